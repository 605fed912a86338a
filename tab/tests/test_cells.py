"""Each command of a lesson has the same outcome in the tab's cluster."""

import re

import pytest

from tab.tests.recorder import record
from tab.tests.replay import Outcome, differences, without_polls
from tab.tests.servers import PATIENCE, tab
from tests.notebooks import file_of

#: lessons whose pods need no Python, but for one below
LESSONS = (
    "00-start-here",
    "01-pod-metadata",
    "02-cluster-info",
    "03-kubectl-proxy",
    "04-batch-api",
    "05-inside-a-pod",
    "06-be-allowed",
)
#: cell: why its outcome is another one in the tab
DIFFERENT = {
    ("00-start-here", "nodes"): "the node has no role: it is no control plane",
    (
        "01-pod-metadata",
        "own-check",
    ): "the runtime says memory where none was asked for",
    ("02-cluster-info", "cluster-info"): "no CoreDNS, so no Service kube-dns",
    ("02-cluster-info", "curl-refuses"): "curl's last line: webpage, not web page",
    ("03-kubectl-proxy", "service-proxy"): "the pod is a web server in Python",
    ("03-kubectl-proxy", "requests"): "it lists that pod",
    ("05-inside-a-pod", "service"): "the API server's own port is 6443",
    ("05-inside-a-pod", "curl-refuses"): "curl's last line: webpage, not web page",
    (
        "06-be-allowed",
        "journey-view",
    ): "curl and openssl number connections of their own",
    (
        "06-be-allowed",
        "journey-data",
    ): "curl and openssl number connections of their own",
}
#: the address of the tab's API server, and its CA's file there
SERVER, CA = "https://127.0.0.1:6443", "/etc/kubernetes/ca.crt"
NAMESPACE = re.compile(r"^export NAMESPACE=(\S+)$", re.MULTILINE)


@pytest.mark.full("lessons on a cluster, and their commands once more under Node")
@pytest.mark.timeout(3600)
def test_each_command_has_the_same_outcome(cluster, browser_server, tmp_path):
    found, count = {}, 0
    with tab(browser_server) as server:

        def run(script: str, text: str) -> Outcome:
            named = NAMESPACE.search(script)
            answer = server(
                script=script,
                namespace=named[1] if named else "default",
                input=text,
                seconds=PATIENCE,
            )
            return Outcome(answer["code"], answer["text"], answer["errors"])

        def start(script: str) -> None:
            server(script=script, background=True)

        for lesson in LESSONS:
            commands = record(file_of(lesson), tmp_path)
            known = {cell for name, cell in DIFFERENT if name == lesson}
            count += len(list(without_polls(commands)))
            for difference in differences(commands, run, start, SERVER, CA, known):
                found.setdefault((lesson, difference.cell), []).append(str(difference))
    assert count > 140
    unexplained = [text for cell in found.keys() - DIFFERENT for text in found[cell]]
    assert not unexplained, "\n".join(unexplained)
    # What no longer differs needs no reason.
    assert found.keys() == DIFFERENT.keys()
