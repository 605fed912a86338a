"""Messages in the learner's language: how one is said, and that each can be."""

import ast
import os
import struct
from string import Formatter

import pytest

from cluster import language
from cluster.backend import waiting_text
from cluster.errors import NotRunning
from helpers.course import attempts
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say
from tests.notebooks import ROOT

#: the modules all of whose messages are said; others also raise errors that no notebook
#: shows, and those are English
SAID = (
    "helpers/api/ambassadors.py",
    "helpers/api/caller.py",
    "helpers/api/pods.py",
    "helpers/api/proxy.py",
    "helpers/api/schemas.py",
    "helpers/api/tokens.py",
    "helpers/api/watch.py",
    "helpers/course/attempts.py",
    "helpers/course/board.py",
    "helpers/course/exercise.py",
    "helpers/errors.py",
    "helpers/exercises/checks/*.py",
    "helpers/exercises/drills.py",
    "helpers/exercises/grants.py",
    "helpers/exercises/repairs.py",
    "helpers/rbac/objects.py",
    "helpers/views/audit.py",
    "helpers/views/journey/network.py",
    "helpers/views/journey/server.py",
    "helpers/views/requestlines.py",
    "helpers/views/widgets/explorer.py",
    "helpers/views/widgets/explorer_model.py",
    "helpers/views/widgets/markup.py",
    "helpers/views/widgets/podtable.py",
    "helpers/views/widgets/view.py",
    "cluster/progress.py",
    "cluster/waiting.py",
    "cluster/backends.py",
    "cluster/kubeconfig.py",
    "cluster/paths.py",
    "cluster/permissions.py",
    "cluster/preflight.py",
    "cluster/bundle/*.py",
    "cluster/existing/kubectl.py",
    "cluster/image/build.py",
    "cluster/image/engine.py",
    "cluster/image/find.py",
    "cluster/kind/engine.py",
    "cluster/kind/node.py",
    "cluster/kind/programs.py",
    "cluster/local/trial.py",
    "cluster/controlplane/apiserver.py",
    "cluster/machine/identity.py",
    "cluster/machine/shortage.py",
    "cluster/programs/[!t]*.py",
)


def modules_of(pattern):
    """Return the modules that a pattern names; one that names none is a mistake."""
    paths = sorted(ROOT.glob(pattern))
    assert paths, pattern
    return paths


MODULES = [path for pattern in SAID for path in modules_of(pattern)]
#: functions whose arguments are messages
DOORS = ("say", "mark")
#: errors and functions that put their arguments into a message
FRAMES = ("NotReady", "NotEnough", "NoNode", "Task", "poll", "require_node", "wait")
#: of these, too, but on the command line alone
SHOWN = ("Choice", "MissingTool", "Unavailable", "Unusable", "finish", "update")
PROGRAMS = {"kubectl", "kube-apiserver", "mmdebstrap"}
APART = ("cluster/cli", "cluster/existing/account.py")


# --- Saying -----------------------------------------------------------------------


@pytest.fixture
def catalog(tmp_path, monkeypatch):
    """Return a function that writes a catalog; run without a language of the shell."""
    monkeypatch.setattr(language, "CATALOGS", tmp_path / "locale")
    monkeypatch.delenv("LAB_LANG", raising=False)
    language._catalog.cache_clear()

    def write(code, messages):
        file = tmp_path / "locale" / code / "LC_MESSAGES" / "messages.mo"
        file.parent.mkdir(parents=True)
        file.write_bytes(compiled(messages))

    yield write
    language._catalog.cache_clear()


def compiled(messages):
    """Return a catalog as gettext reads it: a header, two tables, the texts."""
    messages = {"": "Content-Type: text/plain; charset=UTF-8\n", **messages}
    texts = [*sorted(messages), *(messages[text] for text in sorted(messages))]
    at, count = 28 + 8 * len(texts), len(messages)
    head = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, at)
    table, body = b"", b""
    for text in texts:
        table += struct.pack("<2I", len(text.encode()), at + len(body))
        body += text.encode() + b"\0"
    return head + table + body


@pytest.mark.parametrize(
    ("place", "setting", "said"),
    [
        ("notebooks", "", "No pod web yet."),
        ("notebooks/ko", "", "파드 web이 아직 없습니다."),
        ("notebooks/ko/deeper", "", "파드 web이 아직 없습니다."),
        ("notebooks/ko", "en", "No pod web yet."),
        ("notebooks", "ko", "파드 web이 아직 없습니다."),
        ("notebooks", "KO", "파드 web이 아직 없습니다."),
        ("notebooks", "ko_KR.UTF-8", "파드 web이 아직 없습니다."),
        ("notebooks/ko", "en_US", "No pod web yet."),
        ("notebooks", "xx", "No pod web yet."),
        # A teacher's handout, and a checkout in a directory named like a language.
        ("class/student/ko", "", "파드 web이 아직 없습니다."),
        ("ko/notebooks", "", "No pod web yet."),
        ("ko/notebooks/deeper", "", "No pod web yet."),
    ],
)
def test_the_setting_decides_and_then_the_directory(
    catalog, tmp_path, monkeypatch, place, setting, said
):
    """A language without a catalog is English."""
    catalog("ko", {"No pod {pod} yet.": "파드 {pod}이 아직 없습니다."})
    (tmp_path / place).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / place)
    if setting:
        monkeypatch.setenv("LAB_LANG", setting)
    assert say("No pod {pod} yet.", pod="web") == said


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LAB_LANG": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "LAB_LANG": "KO"}, "ko"),
        ({"LANG": "C.UTF-8", "LC_ALL": ""}, "c"),
        ({}, ""),
    ],
)
def test_the_lessons_to_open_are_those_of_the_setting_or_of_the_locale(env, code):
    assert language.lessons_language(env) == code


def test_the_locale_does_not_count(catalog, monkeypatch):
    catalog("ko", {"Correct.": "정답입니다."})
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert say("Correct.") == "Correct."


def test_a_command_speaks_the_language_of_the_system_and_hands_it_to_nobody(
    catalog, tmp_path, monkeypatch
):
    """LAB_LANG goes before it; a locale without a catalog leaves all as it is."""
    catalog("ko", {"Correct.": "정답입니다."})
    monkeypatch.setattr(language, "_spoken", "")
    before = dict(os.environ)
    language.speak("ko")
    assert say("Correct.") == "정답입니다." and os.environ == before
    monkeypatch.setenv("LAB_LANG", "en")
    assert say("Correct.") == "Correct."
    monkeypatch.delenv("LAB_LANG")
    for other in ("c", "en", ""):
        language.speak(other)
        assert say("Correct.") == "Correct."
    (tmp_path / "ko").mkdir()
    monkeypatch.chdir(tmp_path / "ko")
    assert say("Correct.") == "정답입니다."


def test_a_constant_is_said_later_and_values_are_data(catalog):
    """Braces in a value stay as they are; in a text they are doubled."""
    assert mark("{answer!r} {{}}") == "{answer!r} {{}}"
    assert say(mark("{answer!r} {{}}"), answer="{pod}") == "'{pod}' {}"


@exercise
def be_right(answer: str) -> None:
    """Demand `yes`."""
    if answer != "yes":
        raise NotSolved(say("{answer!r} is wrong.", answer=answer))


def test_an_exercise_counts_once_in_all_languages(catalog, tmp_path, monkeypatch):
    """Attempts keep the words that the learner read, under one lesson and exercise."""
    catalog("ko", {"Correct.": "정답입니다.", "{answer!r} is wrong.": "{answer}: 오답"})
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv(attempts.SETTING)
    assert repr(be_right("yes")) == "Correct."
    monkeypatch.setenv("LAB_LANG", "ko")
    assert repr(be_right("yes")) == "정답입니다."
    with pytest.raises(NotSolved, match="no: 오답"):
        be_right("no")
    noted = attempts.read(attempts.file())
    assert [one.diagnosis for one in noted] == ["", "", "no: 오답"]
    assert {(one.lesson, one.exercise) for one in noted} == {
        ("test-language", "be_right")
    }


def test_what_the_start_of_a_cluster_says_is_korean_in_a_korean_notebook(
    tmp_path, monkeypatch
):
    (tmp_path / "ko").mkdir()
    monkeypatch.chdir(tmp_path / "ko")
    monkeypatch.delenv("LAB_LANG", raising=False)
    assert str(NotRunning()).startswith("실행 중인 클러스터가 없다.\n")
    line = waiting_text(["the controllers", "kubelet"], 20)
    assert line == "20개 중 18개 준비됨; 컨트롤러 외 1개 대기 중"


# --- What is said -----------------------------------------------------------------


@pytest.fixture(params=MODULES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def tree(request):
    """Return the syntax tree of a module, each node with its `parent`."""
    return parsed(request.param)


def parsed(path):
    tree = ast.parse(path.read_text("utf-8"))
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            child.parent = parent
    return tree


def calls(tree, *names):
    """Return the calls of functions or classes, by name or as an attribute."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in found if called(call) in names]


def called(call):
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def above(node, kind):
    """Return the nearest node of a kind around a node, or None."""
    while node := getattr(node, "parent", None):
        if isinstance(node, kind):
            return node
    return None


def place(node):
    return f"line {node.lineno}: {ast.unparse(node)}"


def test_each_field_has_a_name_and_a_value(tree):
    """A text that is marked gets its values where it, or another one, is said."""
    for call in calls(tree, *DOORS):
        [text] = call.args
        if not is_text(text):
            assert called(call) == "say", place(call)
            continue
        fields = {field for _, field, *_ in Formatter().parse(text.value)} - {None}
        assert all(map(str.isidentifier, fields)), place(call)
        here = calls(above(call, ast.FunctionDef) or tree, "say") or calls(tree, "say")
        says = [call] if called(call) == "say" else here
        given = {keyword.arg for each in says for keyword in each.keywords}
        if None not in given:
            assert fields == given if says == [call] else fields <= given, place(call)


def test_what_is_put_into_a_message_is_said_too():
    """In all modules: a name such as `the API server`, what was seen last, a hint."""
    for path in SPEAKING:
        tree = parsed(path)
        where = path.relative_to(ROOT)
        apart = any(map(where.is_relative_to, APART))
        for call in calls(tree, *FRAMES, *(() if apart else SHOWN)):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            around = above(call, ast.FunctionDef) or tree
            for part in given:
                for text in {*plain(part, around)} - PROGRAMS:
                    assert not any(map(str.isalpha, text)), f"{where}, {place(call)}"


SPEAKING = [
    path
    for package in ("helpers", "cluster")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "tests" not in path.relative_to(ROOT).parts
]


def plain(node, around):
    """Yield each text that an argument can be, or the name that it is around it."""
    values = [node]
    if isinstance(node, ast.Name):
        lines = [line for line in ast.walk(around) if isinstance(line, ast.Assign)]
        values = [line.value for line in lines if is_named(line, node.id)]
    for value in values:
        parts = value.values if isinstance(value, ast.BoolOp) else [value]
        if isinstance(value, ast.IfExp):
            parts = [value.body, value.orelse]
        for part in parts:
            if is_text(part):
                yield part.value
            elif isinstance(part, ast.JoinedStr):
                yield "".join(text.value for text in part.values if is_text(text))


def is_named(line, name):
    return [ast.unparse(target) for target in line.targets] == [name]


def test_no_sentence_goes_another_way(tree):
    """A text of several words with a full stop is for people; docstrings are not.

    So what is said and is no literal, or is the fault of a check, has been marked.
    """
    for node in ast.walk(tree):
        if not is_text(node) and not isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node.parent, ast.Expr | ast.JoinedStr):
            continue
        parts = [node] if is_text(node) else node.values
        text = "".join(part.value if is_text(part) else "x" for part in parts)
        door = above(node, ast.Call)
        if " " in text and text.endswith((".", "?", "!")):
            assert door and called(door) in DOORS, place(node)
