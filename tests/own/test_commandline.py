"""What a kubectl command line would do, read before it does it."""

import pytest

from helpers.own.commandline import read

READS = [
    "get pods -A",
    "-n kube-system get secrets",
    "logs --follow --tail=1 deployment/app",
    "auth can-i create pods",
    "auth whoami -o json",
    "rollout status deployment/web",
    "version",
    "wait --for=delete pod/a",
    "create role a --verb=get --resource=pods --dry-run=client -o yaml",
    "delete --help",
    "",
]
WRITES = [
    "apply -f -",
    "auth reconcile -f roles.yaml",
    "create -f - --dry-run=server",
    "exec web -- get pods",
    "proxy --port=0",
    "rollout restart deployment/web",
    "-n get delete pod a",
    "some-plugin",
]


@pytest.mark.parametrize("line", READS)
def test_a_read_passes(line):
    assert not read(line.split()).writes


@pytest.mark.parametrize("line", WRITES)
def test_all_else_counts_as_a_write(line):
    assert read(line.split()).writes


@pytest.mark.parametrize(
    "line",
    [
        "delete pod a -n there",
        "--namespace there delete pod a",
        "delete pod a --namespace=there",
        "delete -nthere pod a",
    ],
)
def test_the_namespace_is_found_however_it_is_written(line):
    attempt = read(line.split())
    assert (attempt.namespace, attempt.types) == ("there", ("pod",))


@pytest.mark.parametrize(
    ("line", "types", "names"),
    [
        ("delete pods,nodes --all", ("pods", "nodes"), ()),
        ("delete node/a pod/b", ("node", "pod"), ("a", "b")),
        ("delete crd a.example.com", ("crd",), ("a.example.com",)),
        ("label namespace mine a=b --overwrite", ("namespace",), ("mine", "a=b")),
        ("delete deployments.apps -l app=node", ("deployments",), ()),
        ("exec node -- ls", (), ()),
        ("debug node/a --image=x", ("node",), ("a",)),
        ("delete -f - --wait=false", (), ()),
        ("delete pod a --wait b", ("pod",), ("a", "b")),
        # What an unknown option takes is unknown, so nothing is taken for harmless.
        ("delete --new-option x node a", ("x", "node", "a"), ("node", "a")),
    ],
)
def test_kinds_are_told_from_names(line, types, names):
    attempt = read(line.split())
    assert (attempt.types, attempt.names) == (types, names)


def test_what_chooses_the_cluster_is_kept_and_who_asks_is_not():
    """The question is asked as the learner, whoever the command speaks as."""
    line = "--context prod delete pod a --as=b -s https://x --token=c --kubeconfig=f"
    expected = ("--context", "prod", "-s", "https://x", "--kubeconfig=f")
    assert read(line.split()).target == expected


def test_files_and_paths_are_found():
    attempt = read(["apply", "-f", "-", "--filename=a.yaml", "-fb.yaml", "-k", "dir"])
    assert set(attempt.files) == {"-", "a.yaml", "b.yaml", "dir"}
    assert read(["delete", "--raw", "/api/v1/nodes/a"]).raw == "/api/v1/nodes/a"
    assert read(["delete", "pods", "-A"]).everywhere
    assert read(["apply", "--prune", "-l", "a=b", "-f", "x"]).everywhere
