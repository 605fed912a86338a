"""What a kubectl command line would do, read before it does it."""

import pytest

from cluster.existing.commandline import read
from cluster.existing.pflag import NotUnderstood

READS = [
    "get pods -A",
    "-n kube-system get secrets",
    "-nkube-system get secrets",
    "logs --follow --tail=1 deployment/app",
    "auth can-i create pods",
    "auth whoami -o json",
    "auth --v=6 whoami",
    "rollout status deployment/web",
    "version",
    "wait --for=delete pod/a",
    "apply view-last-applied pod a",
    "create role a --verb=get --resource=pods --dry-run=client -o yaml",
    "create namespace a --dry-run",
    "delete pod a --dry-run=none --dry-run=client",
    "delete --help",
    "delete pod a -n kube-system -h",
    "delete pod a --help=false --help=true",
    "create secret --help",
    "--help",
    "rollout",
    "",
]
WRITES = [
    "apply -f -",
    "auth reconcile -f roles.yaml",
    "create -f - --dry-run=server",
    "delete pod a --dry-run=client --dry-run=none",
    "delete --raw /api/v1/nodes/a --dry-run=client",
    "exec web -- get pods",
    "exec web -- ls --help",
    "exec web -- --dry-run=client",
    "delete pod a --help=false",
    "delete pod a --help --help=0",
    "delete pods -l --help",
    "proxy --port=0",
    "rollout restart deployment/web",
    "-n get delete pod a",
]
#: each with the word that the refusal names
REFUSED = {
    "some-plugin": "some-plugin",
    "oidc-login get-token": "oidc-login",
    "-- delete pod a": "delete",
    "-h x delete pod a --help=false": "x",
    "--wait delete pod a": "--wait",
    "-A delete pods": "-A",
    "-itn kube-system exec etcd-0": "-itn",
    "create some-plugin": "some-plugin",
    "create --dry-run=client clusterrole a": "clusterrole",
    "create -Rl clusterrole x": "clusterrole",
    "rollout some-plugin": "some-plugin",
    "delete --new-option x node a": "--new-option",
    "delete --all_namespaces pods": "--all_namespaces",
    "delete pod a --kuberc=file": "--kuberc=file",
    "delete pods -ARx": "-ARx",
    "delete pods -A=": "-A=",
    "delete pods --all=maybe": "--all=maybe",
    "delete pod a -n": "-n",
    "delete pod a --namespace": "--namespace",
    "delete pod a ---all": "---all",
    "exec a --dry-run=client": "--dry-run=client",
    "apply file.yaml": "file.yaml",
    "apply -f a -- b": "b",
    "replace --edit -f a": "--edit",
    "create --edit -f a": "--edit",
    "create -f a --edit --dry-run=client": "--edit",
    "delete pod/a/b": "pod/a/b",
    "delete pod/a b": "b",
    "delete pod/": "pod/",
    "cp a/b/c:/x .": "a/b/c:/x",
    'apply -f "a"': '"a"',
    'expose pod a --overrides={"kind":"Node"}': "--overrides",
}


@pytest.mark.parametrize("line", READS)
def test_a_read_passes(line):
    assert not read(line.split()).writes


@pytest.mark.parametrize("line", WRITES)
def test_all_else_counts_as_a_write(line):
    assert read(line.split()).writes


@pytest.mark.parametrize(("line", "word"), REFUSED.items())
def test_a_word_that_is_not_understood_is_named_with_a_way_out(line, word):
    with pytest.raises(NotUnderstood) as caught:
        read(line.split())
    assert caught.value.word == word
    assert repr(word) in str(caught.value) and "--flag=value" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "strange", ["--unknown", "--unknown=x", "-Z", "-iZ", "--=", "-"]
)
@pytest.mark.parametrize(
    "line",
    [
        ["delete", "pod", "a"],
        ["exec", "a"],
        ["apply", "-f", "a"],
        ["create", "secret", "generic", "a"],
        ["rollout", "restart", "deployment/a"],
    ],
)
def test_no_strange_flag_passes_at_any_place(line, strange):
    """But as the value of another flag, which is written with it here."""
    for place in range(len(line) + 1):
        words = [*line[:place], strange, *line[place:]]
        if strange == "-":
            # A plain word: never a flag, and so never one that hides the next.
            words = [*line, "-n", "there", strange][: len(line) + 2]
            assert read(words).namespaces == ("there",)
        elif words[place - 1 : place] != ["-f"]:
            with pytest.raises(NotUnderstood):
                read(words)


@pytest.mark.parametrize(
    "line",
    [
        "delete pod a -n there",
        "--namespace there delete pod a",
        "delete pod a --namespace=there",
        "delete -nthere pod a",
        "delete -n=there pod a",
        "delete -in there pod a",
        "delete -inthere pod a",
        "delete -n here pod a --namespace there",
        "delete --namespace=here pod a -n there",
        "delete pod a -n here -n there",
        "delete pod -n there -- a",
    ],
)
def test_the_namespace_is_found_however_it_is_written(line):
    attempt = read(line.split())
    assert attempt.namespaces == ("there",)
    assert attempt.resources == (("pod", ("a",)),)


def test_the_last_namespace_counts_also_if_it_is_none():
    assert read("delete pod a -n there --namespace=".split()).namespaces == ("",)


@pytest.mark.parametrize(
    ("line", "namespaces"),
    [
        ("cp /tmp/x there/pod:/path", ("there",)),
        ("cp there/pod:/path /tmp/x -n here", ("there",)),
        ("cp pod:/path /tmp/x -n here", ("here",)),
        ("cp pod:/path there/pod:/path", ("", "there")),
        ("cp a b", ("",)),
    ],
)
def test_a_copy_names_the_namespace_with_the_pod(line, namespaces):
    assert read(line.split()).namespaces == namespaces


@pytest.mark.parametrize(
    ("line", "resources"),
    [
        ("delete pods,nodes --all", {"pods": (), "nodes": ()}),
        ("delete node/a pod/b", {"node": ("a",), "pod": ("b",)}),
        ("delete crd a.example.com", {"crd": ("a.example.com",)}),
        ("delete -- node a", {"node": ("a",)}),
        ("label namespace mine a=b --overwrite", {"namespace": ("mine",)}),
        ("label pods a example.com/b=c x-", {"pods": ("a",)}),
        ("label node/a example.com/b=c", {"node": ("a",)}),
        ("delete deployments.apps -l app=node", {"deployments.apps": ()}),
        ("exec node -- ls", {}),
        ("exec node/a -- ls", {"node": ("a",)}),
        ("exec curl ls /etc/ssl", {}),
        ("debug node/a --image=x", {"node": ("a",)}),
        ("debug a --image=x -- cat /etc/node", {}),
        ("port-forward service/a 8080:80", {"service": ("a",)}),
        ("expose deployment a --port=1", {"deployment": ("a",)}),
        ("run a --image=x -- sh -c node/a", {}),
        ("delete -f - --wait=false", {}),
        ("delete pod a --wait b", {"pod": ("a", "b")}),
        ("set subject clusterrolebinding a --user=b", {"clusterrolebinding": ("a",)}),
        ("set env deployment/a SERVER=https://x TOKEN-", {"deployment": ("a",)}),
        ("set image deployment/a main=r.example/a:1", {"deployment": ("a",)}),
        ("set sa deployment a account", {"deployment": ("a",)}),
        ("apply edit-last-applied node n1", {"node": ("n1",)}),
        ("rollout restart daemonset/a", {"daemonset": ("a",)}),
        ("certificate approve csr/a", {"csr": ("a",)}),
        ("scale --replicas=3 deployment a", {"deployment": ("a",)}),
    ],
)
def test_kinds_are_told_from_names(line, resources):
    assert dict(read(line.split()).resources) == resources


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("create clusterrole a --verb=get --resource=pods", "create clusterrole"),
        ("create ns a", "create namespace"),
        ("create --v=6 sa a", "create serviceaccount"),
        ("-n here create svc clusterip a", "create service clusterip"),
        ("set sa deployment a b", "set serviceaccount"),
        ("auth reconcile -f a", "auth reconcile"),
        ("create -f a", "create"),
    ],
)
def test_a_command_of_two_words_is_known_by_its_own_name(line, command):
    assert read(line.split()).command == command


def test_what_chooses_the_cluster_is_kept_and_who_asks_is_not():
    """The question is asked as the learner, whoever the command speaks as."""
    line = "--context prod delete pod a --as=b -s https://x --token=c --kubeconfig=f"
    expected = ("--context=prod", "--server=https://x", "--kubeconfig=f")
    assert read(line.split()).target == expected
    assert read("delete -is https://x pod a".split()).target == ("--server=https://x",)


def test_files_and_paths_are_found():
    line = "apply -f - --filename=a.yaml -fb.yaml -k dir -Rf c,d --filename e"
    expected = {"-", "a.yaml", "b.yaml", "dir", "c", "d", "e"}
    assert set(read(line.split()).files) == expected
    assert read(["delete", "--raw", "/api/v1/nodes/a"]).raw == "/api/v1/nodes/a"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("delete pods -A", True),
        ("delete pods -Al app=x", True),
        ("delete pods -iA", True),
        ("delete pods --all-namespaces=1", True),
        ("apply --prune -l a=b -f x", True),
        ("delete pods -A=false", False),
        ("delete pods -A --all-namespaces=false", False),
        ("delete pods -l -A", False),
    ],
)
def test_all_namespaces_at_once_are_seen_in_any_spelling(line, expected):
    assert read(line.split()).everywhere == expected


def test_a_choice_without_names_is_seen():
    for line in ("-l a=b", "--selector a=b", "--all", "--field-selector=a=b"):
        assert read(["delete", "ns", *line.split()]).chosen
    assert not read(["delete", "ns", "a", "--all=false"]).chosen
