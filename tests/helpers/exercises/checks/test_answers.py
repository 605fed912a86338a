"""Answers to each exercise, and the one sentence that each wrong one has to get.

`answers.toml` has them, by exercise: each is run as the exercise's own cell, and then
the check's cell of the notebook. `make test` asks of the slow exercises only those that
prove a rule of the check, `make full` all. A sentence that changes is changed there, on
purpose.
"""

import contextlib
import re
import tomllib
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import errors
from helpers.command import use_kubeconfig
from helpers.course.exercise import code_of
from helpers.shell import add_magic
from tests.notebooks import FILES, load, source, tagged
from tests.slowdown import slow_down
from tests.tiers import leaves_out

#: kinds of wrong answers: slips, and what works although it is not what was asked for
SLIPS, WORKING = "answers", "working"
#: solutions in another form than the lesson's
RIGHT = "right"
EXERCISES = tomllib.loads(Path(__file__).with_name("answers.toml").read_text("utf-8"))
#: each row of it waits for a Deployment's new pods
EXAM = pytest.mark.full("the checks are those of lesson 08, for its other copies")
NAMES = [
    pytest.param(name, marks=[EXAM] if "-exam/" in name else []) for name in EXERCISES
]
#: those with answers for a slowed cluster, and how many times slower it is
SLOWED = [name for name, one in EXERCISES.items() if one.get("slowed")]
TIMES = 10
#: stops the processes that lessons' cells have started, and deletes their namespace
CLEAN_UP = (
    "proxy.stop()",
    "default.stop()",
    "reading.stop()",
    "own.stop()",
    "folder.cleanup()",
    "cluster.delete_namespace(namespace)",
)


class Notebook:
    """A kernel's shell in this process, for an exercise of a lesson."""

    def __init__(self, name):
        """Begin without any cell run."""
        self.lesson, _, self.check = name.partition("/")
        self.exercise = EXERCISES[name]
        self.shell = InteractiveShell.instance()
        add_magic()

    def run(self, text):
        """Run a cell; return its exception, or None."""
        result = self.shell.run_cell(text)
        return result.error_in_exec or result.error_before_exec

    def run_each(self, *cells):
        """Run cells of the lesson; none of them may fail."""
        for cell in cells:
            assert self.run(source(self.lesson, cell)) is None, cell

    def sentence(self, answer):
        """Return what the check says after an answer; "" if it is content."""
        self.answer(answer)
        return self.verdict()

    def answer(self, answer):
        """Run an answer, or an edit of the solution, instead of the stub."""
        self.reset()
        if isinstance(answer, list):
            cell = self.check.replace("-check", "-solution")
            old, new = answer
            solved = code_of({"source": source(self.lesson, cell)})
            assert old in solved
            answer = solved.replace(old, new)
        self.run(answer)

    def reset(self):
        """Undo what an answer has changed."""
        if commands := self.exercise.get("reset"):
            self.run(f"%%sh\n{commands}")

    def verdict(self):
        """Return what the check says now; "" if it is content.

        Raise Undecided if a slow cluster has not let it decide.
        """
        wrong = self.run(source(self.lesson, self.check))
        if isinstance(wrong, errors.Undecided):
            raise wrong
        assert wrong is None or isinstance(wrong, errors.NotSolved), repr(wrong)
        said = wrong.message if wrong else ""
        # No sentence holds a token.
        assert "eyJ" not in said
        namespace = self.shell.user_ns.get("namespace", "NAMESPACE")
        return said.replace(namespace, "NAMESPACE")


@contextlib.contextmanager
def opened(name):
    """Yield a notebook that has come to an exercise; what it makes goes with it."""
    notebook = Notebook(name)
    try:
        notebook.run_each(*notebook.exercise["before"])
        yield notebook
    finally:
        # An answer can change what other lessons of the cluster are judged by.
        notebook.reset()
        for line in CLEAN_UP:
            notebook.run(line)
        InteractiveShell.clear_instance()


def fits(said, expected):
    """Return whether a sentence is the expected one, in which `…` is any text."""
    return re.fullmatch(re.escape(expected).replace("…", ".*"), said) is not None


@pytest.fixture
def notebook(cluster, request, tmp_path, monkeypatch):
    """Yield the notebook of an exercise, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    # A later `connect()` of this process returns to the namespace that it names.
    monkeypatch.setenv("NAMESPACE", "")
    with opened(request.param) as notebook:
        yield notebook
    use_kubeconfig(cluster.kubeconfig)


def cases(exercise, *, every):
    """Return answers with the sentence of each; "" is that of a right one.

    All if `every`, or else of an exercise that names rules the rows that prove them:
    that its solution is right, the lesson itself proves.
    """
    wrong = [*exercise[SLIPS], *exercise[WORKING]]
    if not every and (rules := [row[:2] for row in wrong if len(row) == 3]):
        return rules
    return [*(row[:2] for row in wrong), *([one, ""] for one in exercise[RIGHT])]


def test_rows_that_prove_a_rule_are_asked_alone():
    rows = [["a", "no"], ["b", "not", "a rule"]]
    exercise = {SLIPS: rows, WORKING: rows[:1], RIGHT: ["c", "d"]}
    assert cases(exercise, every=False) == [["b", "not"]]
    assert len(cases(exercise, every=True)) == 5
    unnamed = exercise | {SLIPS: rows[:1]}
    assert cases(unnamed, every=False) == cases(unnamed, every=True)


# Up to 50 answers an exercise, on a machine whose limits are four times as long.
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("notebook", NAMES, indirect=True)
def test_each_answer_gets_its_sentence(notebook, pytestconfig):
    """A wrong one no other, and no traceback; a right one none."""
    every = not leaves_out(pytestconfig.option.markexpr, "full")
    for answer, expected in cases(notebook.exercise, every=every):
        said = notebook.sentence(answer)
        assert fits(said, expected), f"{answer}\n{said}"


@pytest.mark.full("only a limit or a wait of a check can change it")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("notebook", SLOWED, indirect=True)
def test_a_slow_cluster_gives_no_other_verdict(cluster, notebook):
    """It may leave answers undecided, though not all: a check waits for evidence."""
    if cluster.backend != "local":
        pytest.skip("on this backend, processes of the cluster are not ours to stop")
    decided, exercise = 0, notebook.exercise
    wrong, rules = [*exercise[SLIPS], *exercise[WORKING]], exercise["slowed"]
    rows = [row[:2] for row in wrong if row[2:] and row[2] in rules]
    assert len(rows) == len(rules)
    for answer, expected in [*rows, [exercise[RIGHT][0], ""]]:
        notebook.answer(answer)
        with slow_down(TIMES), contextlib.suppress(errors.Undecided):
            said = notebook.verdict()
            assert fits(said, expected), f"{answer}\n{said}"
            decided += 1
    assert decided


def test_each_exercise_has_wrong_answers():
    checks = {
        f"{path.stem}/{cell['id']}"
        for path in FILES
        for cell in tagged(load(path), "check")
    }
    assert EXERCISES.keys() == checks
    for name, exercise in EXERCISES.items():
        assert min(len(exercise[kind]) for kind in (WORKING, RIGHT)) >= 2, name
    of_learners = [one["answers"] for name, one in EXERCISES.items() if name < "09"]
    assert sum(map(len, of_learners)) >= 100
