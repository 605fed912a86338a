"""The modules of the page, each alone under Node: tests/page has the tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tab import page
from tests.notebooks import ROOT

#: of npm; `make lint` runs it where a test has put it
TYPESCRIPT = "typescript@5.9.3"
PLACE = ROOT / "build" / "typescript"
TESTS = sorted(Path(__file__).with_name("page").glob("*.test.js"))


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not here")
@pytest.mark.parametrize("file", TESTS, ids=[file.name for file in TESTS])
def test_a_module_passes_its_tests(file):
    done = subprocess.run(["node", "--test", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_module_but_that_of_the_elements_has_a_test():
    """A browser tests live.js; connection.test.js also has the Worker's side."""
    modules = {file.stem for file in (page.WEB / "page").glob("*.js")}
    tested = {file.name.removesuffix(".test.js") for file in TESTS}
    assert modules - tested == {"dispatcher", "live"} and tested < modules


@pytest.mark.full("the types of scripts")
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not here")
def test_the_types_in_the_comments_of_the_modules_are_right(tmp_path):
    """A call with a value of another type is found before a browser makes it."""
    program = PLACE / "node_modules" / ".bin" / "tsc"
    if not program.exists():
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save")
        line = ["npm", "install", *options, "--prefix", PLACE, TYPESCRIPT]
        subprocess.run(line, check=True, capture_output=True)
    for fault in ("", "history.add(12);\n"):
        web = tmp_path / (fault and "with a fault")
        shutil.copytree(page.WEB, web, dirs_exist_ok=True)
        file = web / "page" / "commandline.js"
        file.write_text(f"{file.read_text()}const history = new History();\n{fault}")
        check = [program, "--project", web]
        done = subprocess.run(check, stdout=subprocess.PIPE, text=True)
        assert bool(done.returncode) == bool(fault), done.stdout
