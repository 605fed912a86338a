"""The modules of the pages, each alone under Node: tests/page and tests/notebook."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tab import page
from tests.notebooks import ROOT

#: of npm; `make lint` runs it where a test has put it
TYPESCRIPT = "typescript@5.9.3"
PLACE = ROOT / "build" / "typescript"
FOLDERS = ("page", "notebook")
TESTS = {
    folder: sorted(Path(__file__).with_name(folder).glob("*.test.js"))
    for folder in FOLDERS
}
#: those with elements, and the Worker's side of connection.js: a browser tests them
IN_A_BROWSER = {
    "page": {"dispatcher", "live"},
    "notebook": {"cell", "html", "lesson"},
}


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not here")
@pytest.mark.parametrize("file", sum(TESTS.values(), []), ids=lambda file: file.name)
def test_a_module_passes_its_tests(file):
    done = subprocess.run(["node", "--test", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_module_but_those_of_elements_has_a_test(folder):
    modules = {file.stem for file in (page.WEB / folder).glob("*.js")}
    tested = {file.name.removesuffix(".test.js") for file in TESTS[folder]}
    assert modules - tested == IN_A_BROWSER[folder] and tested < modules


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
