"""Every kubectl line of notebooks and helpers is understood by what checks writes."""

import ast
import re
import shlex

from cluster.existing import commandline, look, rules
from cluster.existing.pflag import NotUnderstood
from cluster.existing.record import Record
from helpers.lessons import NEEDS_LAB
from tests.notebooks import FILES, ROOT, load

#: a document in a cell; `kubectl` in it is of a pod
_DOCUMENT = re.compile(r"<<-?\s*(['\"]?)(\w+)\1(.*)\n(?:.*\n)*?\2$", re.MULTILINE)
_ENDS = "();<>|&\n"
#: words after which a command follows
_LEADING = {"coproc", "exec", "timeout", "if", "then", "do", "else", "!"}


def shell_lines(text):
    """Yield the words of each kubectl command in a shell script, `kubectl` left out."""
    text = _DOCUMENT.sub(r"\3", text).replace("\\\n", " ")
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_ENDS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    words, before = None, "\n"
    for word in lexer:
        if set(word) <= set(_ENDS):
            if words is not None:
                yield words
            words = None
        elif words is not None:
            # `2>&1` and the name of a file are the shell's.
            words.append(word)
        elif word == "kubectl" and (set(before) <= set(_ENDS) or before in _LEADING):
            words = []
        before = word
    if words is not None:
        yield words


def python_lines(tree):
    """Yield the words of each call of `kubectl`, as far as they stand there."""
    for node in ast.walk(tree):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if named and node.func.id == "kubectl":
            words = [_text(each) for each in node.args]
            if words and isinstance(node.args[0], ast.Constant):
                yield [word for word in words if word is not None]


def _text(node):
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "" for part in node.values)
    if isinstance(node, ast.Starred):
        return None
    return "x"


def cell_lines(cell):
    text = "".join(cell["source"]).replace("\\\n", " ")
    if text.startswith("%%bash"):
        yield from shell_lines(text.partition("\n")[2])
        return
    for line in re.findall(r"^\s*(?:\w+ = )?!(.*)$", text, re.M):
        yield from shell_lines(line)
    python = re.sub(r"^(\s*)(?:\w+ = )?[!%].*$", r"\1pass", text, flags=re.MULTILINE)
    yield from python_lines(ast.parse(python))


def collect():
    for file in FILES:
        for cell in load(file)["cells"]:
            if cell["cell_type"] == "code":
                tags = cell["metadata"].get("tags", [])
                for words in cell_lines(cell):
                    yield f"{file.stem[:2]}-{cell['id']}", NEEDS_LAB in tags, words
    for file in sorted((ROOT / "helpers").rglob("*.py")):
        for words in python_lines(ast.parse(file.read_text())):
            yield str(file.relative_to(ROOT)), False, words


LINES = list(collect())


def test_the_lines_are_found():
    """In pipes, in brackets, over several lines, with options in between."""
    script = "a | kubectl get pods \\\n  -A && x=$(kubectl -n b delete pod c | d)\n"
    script += (
        "kubectl apply -f - <<EOF\nkubectl no\nEOF\ntimeout 9 e < <(kubectl logs f)"
    )
    assert [" ".join(words) for words in shell_lines(script)] == [
        "get pods -A",
        "-n b delete pod c",
        "apply -f -",
        "logs f",
    ]
    commands = {words[0] for _, _, words in LINES}
    assert {"apply", "create", "delete", "exec", "label", "set", "run"} <= commands
    assert len(LINES) > 150


def test_every_line_is_understood():
    """And a line that is known to read does no more than that."""
    reads = {"get", "logs", "wait", "explain", "describe", "version", "config"}
    wrong = []
    for place, _, words in LINES:
        try:
            attempt = commandline.read(words)
        except NotUnderstood as error:
            wrong.append(f"{place}: {error}")
            continue
        known = attempt.command.split()[0] in words
        if not known or (attempt.writes and words[0] in reads):
            wrong.append(f"{place}: {' '.join(words)}")
    assert wrong == []


def test_every_kind_that_lessons_write_is_in_namespaces(mine, used):
    """But in the cells that are left out on a cluster of one's own."""
    found = Record.read(used["LAB_STATE_DIR"])
    refused = set()
    for place, left_out, words in LINES:
        attempt = commandline.read(words)
        # A path that is in a variable says nothing here.
        if not attempt.writes or attempt.raw == "x":
            continue
        try:
            assert rules.touched(attempt, [], "here", found) or words[0] == "proxy"
        except rules.Refused:
            assert left_out, f"{place}: {' '.join(words)}"
            refused.add(place)
    assert refused
    assert set(
        look.namespaced(
            found.kubectl, kubeconfig=mine.kubeconfig(used["LAB_STATE_DIR"] / "again")
        )
    ) == set(found.namespaced)
