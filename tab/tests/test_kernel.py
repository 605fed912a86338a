"""The kernel of the tab runs cells as JupyterLab's does, in this Python here."""

import json
import subprocess
import sys

import pytest

#: in a process of its own: a kernel changes its directory and its environment
SCRIPT = """
import json, sys
from tab.python.kernel import Kernel
outputs = []
def report(output):
    outputs.append(output)
    with open("shown", "a") as shown:
        shown.write(output)
kernel = Kernel(report, sys.argv[1])
for source in json.loads(sys.argv[2]):
    outputs.clear()
    passed = kernel.run(source, ["check"])
    print(json.dumps([passed, [json.loads(output) for output in outputs]]))
"""


@pytest.fixture
def run(tmp_path):
    """Return a function that runs cells and returns, for each, what it reported."""

    def run(*sources: str) -> list:
        folder = str(tmp_path / "lessons")
        words = [sys.executable, "-c", SCRIPT, folder, json.dumps(sources)]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def text_of(outputs: list[dict]) -> str:
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in outputs
    )


def test_a_cell_shows_its_last_value_and_what_it_prints(run):
    [(passed, outputs), (_, others)] = run("print('one')\nnumber = 2\nnumber", "number")
    assert passed and text_of(outputs) == "one\n2"
    assert outputs[-1]["output_type"] == "execute_result"
    assert text_of(others) == "2"


def test_a_display_has_all_its_forms(run):
    [(_, [output])] = run(
        "from IPython.display import HTML, display\ndisplay(HTML('x'))"
    )
    assert output["output_type"] == "display_data"
    assert output["data"]["text/html"] == "x"


def test_an_error_is_short_where_that_is_enough(run):
    [(passed, [error]), (again, _)] = run("assert 1 == 2", "1")
    assert not passed and again
    assert error["ename"] == "AssertionError"
    assert error["traceback"] == ["AssertionError: `1 == 2` is false: `1 == 2`."]


def test_a_question_is_refused_in_a_line(run):
    [(passed, [error])] = run("input('name? ')")
    assert not passed and error["traceback"] == [
        "StdinNotImplementedError: Nobody can answer `input()` here: write the value "
        "into the cell."
    ]


def test_a_long_text_is_sent_in_parts(run):
    [(_, outputs)] = run("print('x' * 2_500_000)")
    assert text_of(outputs) == "x" * 2_500_000 + "\n"
    assert max(len(output["text"]) for output in outputs) == 1_000_000


def test_a_cell_runs_programs(run):
    answers = run(
        "!echo $((1 + 1)); exit 3", "_exit_code", "lines = !printf 'a\\nb\\n'\nlines"
    )
    assert [text_of(outputs) for _, outputs in answers] == ["2\n", "3", "['a', 'b']"]


def test_what_a_program_wrote_is_shown_when_its_cell_is_stopped(run):
    wait = "for n in {1..500}; do grep -qs begun shown && break; sleep 0.02; done"
    command = f"printf begun; {wait}; kill -INT $PPID; exec sleep 60"
    [(passed, outputs)] = run(f"!{command}")
    assert not passed
    kinds = [output["output_type"] for output in outputs]
    assert kinds == ["stream", "error"] and text_of(outputs) == "begun"


def test_bytes_that_are_no_text_are_shown_as_such(run):
    mixed = r"printf 'a\377\303\244'"
    answers = run(f"!{mixed}", f"lines = !{mixed}\nlines")
    assert [text_of(outputs) for _, outputs in answers] == ["a\ufffdä", "['a\ufffdä']"]


def test_a_cell_writes_a_file_beside_it(run, tmp_path):
    run("%%writefile note.txt\nhello")
    assert (tmp_path / "lessons" / "note.txt").read_text() == "hello\n"


def test_loops_give_turns_and_keep_their_meaning(run):
    count = "import time\nturns = []\ntime.sleep = turns.append"
    loop = """
def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for number in range(3):
            if number: continue
    else:
        number = "done"
    return number
spin(1.0), 2 <= len(turns) <= 10
"""
    (_, (passed, outputs)) = run(count, loop)
    assert passed and text_of(outputs) == "('done', True)"


def test_helpers_know_the_cell(run):
    line = "from helpers import needs\nneeds.tags_of_cell(get_ipython())"
    [(_, outputs)] = run(line)
    assert text_of(outputs) == "['check']"


def test_each_form_is_one_that_a_page_shows(run):
    display = "from IPython.display import JSON, Latex, Markdown\n"
    markdown, json_text, latex, picture = (
        outputs[-1]["data"]
        for _, outputs in run(
            f"{display}Markdown('**b** <i>')",
            "JSON({'a': [1]})",
            "Latex('$x$')",
            "class Picture:\n"
            "    def _repr_png_(self):\n"
            "        return b'\\x89PNG'\n"
            "Picture()",
        )
    )
    assert "<strong>b</strong>" in markdown["text/html"]
    assert json.loads(json_text["text/plain"]) == {"a": [1]}
    assert latex["text/plain"] == "$x$"
    assert picture["image/png"] == "iVBORw=="


@pytest.mark.parametrize("source", ["quit()", "exit()", "exit"])
def test_python_goes_on_after_its_end_is_asked_for(run, source):
    [(passed, outputs), (_, after)] = run(source, "1 + 1")
    assert passed and "Python goes on" in text_of(outputs)
    assert text_of(after) == "2"


@pytest.mark.parametrize("source", ["import absent_module.part", "%matplotlib inline"])
def test_a_module_that_is_not_here_is_named_in_two_lines(run, source):
    [(passed, [error])] = run(source)
    name = source.split()[-1].partition(".")[0].replace("inline", "matplotlib")
    assert not passed and error["traceback"] == [
        f"NoModule: There is no module `{name}` here. Python in this tab has what the "
        "lessons need, and nothing else.",
        "In JupyterLab, `%pip` installs more.",
    ]


def test_a_misspelt_part_of_a_module_is_an_error_as_everywhere(run):
    [(_, [error])] = run("import json.absent")
    assert error["ename"] == "ModuleNotFoundError"


def test_a_cell_for_a_program_runs_it_or_says_that_it_is_not_there(run, monkeypatch):
    [(passed, outputs)] = run("%%script cat\ntext")
    assert passed and text_of(outputs).strip() == "text"
    monkeypatch.setenv("PATH", "/nowhere")
    for source in ("%%python\n1", "%%script perl\n1", "%%script\n1"):
        [(passed, [error])] = run(source)
        assert not passed and error["traceback"][0].startswith(
            "LabError: There is no program"
        )


def test_a_question_mark_prints_what_it_finds(run):
    [(passed, outputs)] = run("len?")
    assert passed and "Return the number of items" in text_of(outputs)


def test_a_line_is_timed(run):
    [(passed, outputs)] = run("%timeit -n 1 -r 1 1 + 1")
    assert passed and "per loop" in text_of(outputs)
