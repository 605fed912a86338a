"""No token is an argument of a program: every account of the machine can read those."""

import concurrent.futures
import re

import psutil
import pytest

from cluster.tests.running import run, sleeper
from cluster.tests.waiting import until
from helpers.api.pods import ask
from helpers.api.tokens import read_token
from helpers.command import kubectl
from helpers.views.journey import follow_request
from tests.notebooks import FILES, ROOT, load

#: the option of curl or kubectl that takes a token, and the token itself
TOKEN = re.compile(r"""(?:Authorization: Bearer |--token[= ])["'\\]*([^\s"'`\\]+)""")
#: words that are no token, made-up ones, and what `printf` fills in: it is a part of
#: the shell and starts no program
HARMLESS = {"…", "TOKEN", "nonsense", "old", "made-up", "%s"}
#: cells and lines that may do it, with the reason
ALLOWED = {
    ("21-six-ways-and-errors socket", "{token.text}"): "it is written to a socket",
    ("21-six-ways-and-errors curl", "{token.text}"): "it is curl's standard input",
    ("19-ambassador stale-script", "$TOKEN"): (
        "the mistake is what the lesson is about: the account may list pods and leave "
        "notes in one namespace, and the token ends before the lesson shows it"
    ),
    ("book.md", "$TOKEN"): "it quotes commands of the book, as those that fail today",
    ("19-ambassador stale-process", ".{3}).*/"): "it cuts what `ps` prints",
}


def texts():
    """Yield a name and a text for all that a learner runs or reads."""
    for path in FILES:
        for cell in load(path)["cells"]:
            yield f"{path.stem} {cell['id']}", "".join(cell["source"])
    pages = [
        ROOT / "README.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("cluster/docs/*.md"),
        *ROOT.glob("notebooks/*.md"),
    ]
    sources = [
        path
        for package in ("helpers", "cluster")
        for path in ROOT.glob(f"{package}/**/*")
        if path.suffix in (".py", ".sh") and "tests" not in path.parts
    ]
    for path in (*pages, *sources):
        yield path.name, path.read_text()


def test_no_text_has_a_token_in_a_command_line():
    """Where one is meant, it is in the list, and the list has nothing else."""
    found = {
        (name, word)
        for name, text in texts()
        for word in TOKEN.findall(text)
        if word not in HARMLESS
    }
    assert found == set(ALLOWED)


@pytest.fixture(scope="module")
def token(namespace):
    """Return the token of a pod whose account may watch ConfigMaps."""
    account = f"--serviceaccount={namespace}:default"
    kubectl("create", "rolebinding", "shy", "--clusterrole=view", account)
    run(sleeper("shy"))
    return read_token("shy").text


@pytest.mark.parametrize("send", [ask, follow_request])
def test_a_pod_asks_without_showing_its_token(namespace, token, send):
    """While its curl waits for an answer, no process of the machine has it."""
    # A watch: the answer does not end before curl does.
    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=1"
    with concurrent.futures.ThreadPoolExecutor(1) as aside:
        answer = aside.submit(send, "shy", path)
        [curl] = until(lambda: command_lines("curl ", path), 20, "curl in the pod")
        shown = command_lines("", token)
        curl.terminate()
        # The end of curl is an error to one of the askers, and an answer to the other.
        answer.exception()
    assert shown == []


def command_lines(begin, words):
    """Return the processes of the machine with such a command line."""
    lines = {
        each: " ".join(each.info["cmdline"] or ())
        for each in psutil.process_iter(["cmdline"])
    }
    return [p for p, line in lines.items() if line.startswith(begin) and words in line]
