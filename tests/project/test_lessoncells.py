"""nbval runs the cells of a lesson, and fails for more than an exception."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.notebooks import ROOT
from tests.project.test_chapter import HEADER, TOKEN, write

PLUGINS = "-p nbval.plugin -p tests.lessoncells -p no:cacheprovider -rA".split()
OPTIONS = ["--nbval-lax", "--nbval-current-env", "--color=no"]


def run(path) -> tuple[int, str]:
    """Run a notebook by nbval; return the exit code and what it says."""
    (path.parent / "pytest.ini").write_text("[pytest]\n")
    alone = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *OPTIONS, path.name],
        cwd=path.parent,
        env=os.environ | alone,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.returncode, done.stdout


def test_each_fault_of_a_lesson_fails_its_cell(tmp_path):
    """A check that takes its stub or an empty answer, a secret, two streams."""
    path = write(
        tmp_path,
        "06-checks.ipynb",
        ("errors", "from helpers.errors import NotSolved"),
        ("good-stub", "good = 0", "exercise"),
        ("good-check", "if not good: raise NotSolved('not yet')", "check"),
        ("good-solution", "good = 1", "solution"),
        ("lax-stub", "1 / 0", "exercise", "raises-exception"),
        ("lax-check", "assert True, 'not yet'", "check"),
        ("lax-solution", "lax = 1", "solution"),
        ("odd-stub", "2", "exercise"),
        ("odd-check", "assert odd, 'not yet'", "check"),
        ("odd-solution", "odd = 1", "solution"),
        ("all-stub", "each = {'a': 0}", "exercise"),
        ("all-check", "if 0 in each.values(): raise NotSolved('not yet')", "check"),
        ("all-solution", "each = {'a': 1}", "solution"),
        ("leak", f"print({HEADER!r} + {TOKEN.removeprefix(HEADER)!r})"),
        ("mixed", "import sys; print(1); print(2, file=sys.stderr)"),
        ("meant", "1 / 0", "raises-exception"),
        ("unmeant", "1 / 0"),
    )
    code, said = run(path)
    assert code == 1
    failed = re.findall(r"^FAILED \S+::(Proof [\w-]+|Cell \d+)", said, re.MULTILINE)
    assert failed == [
        "Proof lax-stub-on-stub",
        "Proof lax-check-on-stub",
        "Proof odd-check-on-stub",
        "Proof all-check-on-nothing",
        "Cell 9",
        "Cell 10",
        "Cell 12",
    ]
    for sentence in (
        "the stub raises ZeroDivisionError",
        "lax-check-on-stub: no error, not NotSolved",
        "NameError, not NotSolved",
        "the output shows a token",
        "the output has two streams",
    ):
        assert sentence in said
    passed = re.findall(r"^PASSED \S+::(Proof [\w-]+|Cell \d+)", said, re.MULTILINE)
    assert {"Proof good-check-on-stub", "Proof all-check-on-stub"} <= {*passed}
    assert len(passed) + len(failed) == 13 + 12


def test_kernels_take_no_port_and_leave_nothing(tmp_path, monkeypatch):
    """Two that start at once could be given the same one."""
    import_it = "from ipykernel.kernelapp import IPKernelApp as App\n"
    kind = "assert App.instance().transport == 'ipc'"
    path = write(tmp_path, "01-kernel.ipynb", ("kind", import_it + kind))
    # The path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory() as place:
        monkeypatch.setenv("TMPDIR", place)
        code, said = run(path)
        assert code == 0, said
        assert [*Path(place).glob("kernels-*")] == []
