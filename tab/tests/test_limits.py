"""Scripts that compute without end, or take all there is, end nothing else."""

import re
import time

import pytest

from tab.tests.reader import REFUSES_ALL, pod, reader, shell

pytestmark = [
    pytest.mark.full("a cluster under Node, which is attacked for some minutes"),
    pytest.mark.timeout(3600),
]

#: seconds until a command is stopped, and until it has then ended on a busy machine
SOON, END = 3, 15
LOOP = "while :; do :; done"
BOMB = "bomb() { bomb | bomb & }; bomb; sleep 600"
FORK = "fork: retry: Resource temporarily unavailable"
WRAPPER = 'kubectl() { kubectl --context x "$@"; }; kubectl get pods'


@pytest.fixture(scope="module")
def cluster(browser_server):
    """Return a cluster whose node is Ready; all tests share it."""
    with reader(browser_server) as shared:
        yield shared


@pytest.fixture(autouse=True)
def is_alive(cluster):
    """See after each test that the cluster answers."""
    yield
    assert " Ready " in cluster("kubectl get nodes")


@pytest.mark.parametrize(
    ("script", "name", "kind"),
    [
        ("f() { f; }; f; echo after", "f", "function"),
        (WRAPPER, "kubectl", "function"),
        ("f() { if true; then { (f); }; fi; }; f", "f", "function"),
        ('f=\'eval "$f"\'; eval "$f"', "eval", "eval"),
        ("echo '. ./again' >again; . ./again", ".", "source"),
    ],
)
def test_what_calls_itself_ends_in_the_words_of_bash(cluster, script, name, kind):
    answer = cluster.run(script)
    words = f"{name}: maximum {kind} nesting level exceeded (1000)"
    assert answer["code"] == 1 and words in answer["errors"], answer
    assert "after" not in answer["text"]


def test_so_does_what_calls_itself_in_a_pod(cluster):
    cluster.apply(pod("caller", shell("f() { f; }; f"), restartPolicy="Never"))
    cluster.wait("pod/caller", "jsonpath={.status.phase}=Failed")
    assert "nesting level exceeded" in cluster("kubectl logs caller")


def test_a_script_that_runs_itself_ends(cluster):
    script = "printf '#!/bin/bash\n./again.sh\n' >again.sh; chmod +x again.sh"
    answer = cluster.run(f"{script}; ./again.sh")
    assert FORK in answer["errors"], answer


def test_a_function_may_call_itself_often(cluster):
    script = "n() { if [ $1 -gt 0 ]; then case x in x) n $(($1 - 1)) ;; esac; fi; }; "
    assert cluster(script + "n 900; echo deep") == "deep\n"


@pytest.mark.parametrize(
    "script",
    [
        f"{LOOP} & {LOOP}",
        f"{LOOP} | {LOOP}",
        f"{LOOP} & jq -n 'def f: f; f'",
        "awk 'BEGIN { while (1) x++ }' & awk 'BEGIN { while (1) x++ }'",
        "awk 'BEGIN { while (1) s = s \"aaaaaaaaaa\" }'",
    ],
)
def test_two_programs_that_compute_are_stopped(cluster, script):
    assert cluster.run(script, seconds=SOON)["code"] == 130


@pytest.mark.parametrize("script", [BOMB, ":(){ :|:& };:; sleep 600"])
def test_a_fork_bomb_ends_by_itself(cluster, script):
    answer = cluster.run(f"{script}; echo after")
    assert answer["code"] == 254 and answer["errors"].count(FORK) == 1, answer
    assert answer["text"] == ""


def test_many_requests_are_stopped(cluster):
    """One command that makes ten thousand objects leaves JavaScript its turn.

    It asks for no more of them when it is stopped.
    """
    names = 'jq -nc \'range(10000) | {apiVersion: "v1", kind: "ConfigMap", '
    names += 'metadata: {name: "many-\\(.)", labels: {many: "yes"}}}\''
    cluster(f"{names} >many.json")
    began = time.monotonic()
    answer = cluster.run("kubectl create -f many.json", seconds=10)
    assert answer["code"] == 130
    assert time.monotonic() - began < 10 + END
    count = int(cluster("kubectl get configmaps -l many=yes -o name | wc -l"))
    assert count < 10_000
    # kubectl asks five times in a second which have gone, as it does everywhere.
    cluster("kubectl delete configmaps -l many=yes --wait=false >/dev/null")


def test_pods_that_compute_leave_the_others_their_turn(cluster):
    """Two of them: commands are answered, and they can be deleted."""
    names = ["busy-0", "busy-1"]
    cluster.apply(*(pod(name, shell(LOOP)) for name in names))
    for name in names:
        cluster.wait(f"pod/{name}")
    assert "Running" in cluster("kubectl get pods")
    cluster(f"kubectl delete pods {' '.join(names)} >/dev/null")


def test_fork_bombs_in_pods_end_by_themselves(cluster):
    names = ["bomb-0", "bomb-1"]
    cluster.apply(*(pod(name, shell(BOMB), restartPolicy="Never") for name in names))
    for name in names:
        cluster.wait(f"pod/{name}", "jsonpath={.status.phase}=Failed")
        path = "{.status.containerStatuses[0].state.terminated.exitCode}"
        assert cluster(f"kubectl get pod {name} -o jsonpath={path}") == "254"
        assert FORK in cluster(f"kubectl logs {name}")
    cluster(f"kubectl delete pods {' '.join(names)} >/dev/null")


@pytest.mark.parametrize(
    "script",
    [
        "jq -n 'def f: 1 + f; f'",
        "jq -n '[range(1e9)] | length'",
    ],
)
def test_a_program_that_takes_all_memory_is_killed(cluster, script):
    answer = cluster.run(script)
    assert answer["code"] == 137, answer
    assert "Killed: the programs in this tab have taken all" in answer["errors"]


def test_a_variable_that_doubles_ends_its_shell(cluster):
    """Also where other programs have taken all memory before, and left it in pieces."""
    answer = cluster.run("s=aaaaaaaaaa; while :; do s=$s$s; done")
    assert answer["code"] == 2, answer
    assert "xrealloc: cannot allocate 41943040 bytes" in answer["errors"]


def test_files_have_an_end(cluster):
    answer = cluster.run("head -c 200M /dev/zero >one; head -c 100M /dev/zero >two")
    assert answer["code"] == 1, answer
    assert "No space left on device" in answer["errors"], answer
    # Removed files leave their room to others.
    assert cluster("rm one two; head -c 200M /dev/zero >one; wc -c <one; rm one")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("configmap", "failed to create configmap: "),
        ("secret generic", "failed to create secret "),
    ],
)
@pytest.mark.parametrize("size", ["20M", "200M"])
def test_a_file_that_is_too_large_for_an_object_is_refused(cluster, size, kind, said):
    """In the words of the API server, which is not asked if the file is large."""
    kubectl = f"kubectl create {kind} big --from-file=big"
    answer = cluster.run(f"head -c {size} /dev/zero >big; {kubectl}")
    cluster("rm big")
    assert answer["code"] == 1, answer
    limit = "Request entity too large: limit is 3145728"
    assert answer["errors"] == f"error: {said}{limit}\n"


def test_all_files_are_removed_but_those_of_the_cluster(cluster):
    refused = cluster.run("rm -rf /* 2>&1", together=True)["text"]
    assert re.search(r"cannot remove '/etc/kubernetes.*Read-only file system", refused)
    cluster.apply(pod("later"))
    cluster.wait("pod/later")
    assert cluster("kubectl exec later -- cat /etc/hostname") == "later\n"


def test_a_webhook_that_refuses_all_can_be_deleted(cluster):
    cluster.apply(REFUSES_ALL)
    cluster.until(
        "kubectl create configmap never 2>&1 || true", lambda text: "no.example" in text
    )
    cluster("kubectl delete validatingwebhookconfiguration no")
    cluster.until(
        "kubectl create configmap ever 2>&1 || true", lambda t: "created" in t
    )


def test_what_the_cluster_needs_can_be_deleted(browser_server):
    """A reader of a cluster of their own does it: the server answers all the same."""
    with reader(browser_server) as cluster:
        answer = cluster.run("kubectl delete namespace kube-system default")
        assert answer["errors"].count("this namespace may not be deleted") == 2, answer
        answer = cluster.run("kubectl delete node tab")
        assert answer["code"] == 0 and "Warning: nothing registers" in answer["errors"]
        cluster.apply(pod("homeless"))
        cluster.until("kubectl get events", lambda told: "no nodes available" in told)
        cluster.run("kubectl delete clusterroles,clusterrolebindings --all")
        answer = cluster.run("kubectl get pods")
        assert answer["code"] == 1 and "(Forbidden)" in answer["errors"], answer
