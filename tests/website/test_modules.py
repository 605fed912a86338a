"""The modules of the pages and of their Workers, each alone under Node."""

import shutil
import subprocess

import pytest

from tab import build
from tests.notebooks import ROOT
from website import tryit

#: of npm; `make lint` runs it where a test has put it
TYPESCRIPT = "typescript@5.9.3"
PLACE = ROOT / "build" / "typescript"
PAGES = ("notebook", "start", "tryit")
#: the folders of modules, each with that of its tests
FOLDERS = {tryit.WEB / name: ROOT / "tests" / "website" / name for name in PAGES}
FOLDERS[build.WEB / "worker"] = ROOT / "tab" / "tests" / "worker"
TESTS = {folder: sorted(FOLDERS[folder].glob("*.test.js")) for folder in FOLDERS}
#: those with elements, and the Worker's side of connection.js: a browser tests them
IN_A_BROWSER = {
    "notebook": {"area", "cell", "html", "lesson", "views"},
    "start": {"cluster", "exchange"},
    "tryit": {"live"},
    "worker": {"commands", "dispatcher"},
}


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not here")
@pytest.mark.parametrize("file", sum(TESTS.values(), []), ids=lambda file: file.name)
def test_a_module_passes_its_tests(file):
    done = subprocess.run(["node", "--test", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_module_but_those_of_elements_has_a_test(folder):
    modules = {file.stem for file in folder.glob("*.js")}
    tested = {file.name.removesuffix(".test.js") for file in TESTS[folder]}
    assert modules - tested == IN_A_BROWSER[folder.name] and tested <= modules


@pytest.mark.full("the types of scripts")
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not here")
@pytest.mark.parametrize(
    ("web", "module", "fault"),
    [
        (tryit.WEB, "tryit/commandline.js", "new History().add(12);"),
        (build.WEB, "worker/output.js", "newOutput(12);"),
    ],
    ids=["pages", "workers"],
)
def test_the_types_in_the_comments_of_the_modules_are_right(
    web, module, fault, tmp_path
):
    """A call with a value of another type is found before a browser makes it."""
    program = PLACE / "node_modules" / ".bin" / "tsc"
    if not program.exists():
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save")
        line = ["npm", "install", *options, "--prefix", PLACE, TYPESCRIPT]
        subprocess.run(line, check=True, capture_output=True)
    shutil.copytree(web, tmp_path, dirs_exist_ok=True)
    for added in ("", fault):
        file = tmp_path / module
        file.write_text(f"{file.read_text()}{added}\n")
        check = [program, "--project", tmp_path]
        done = subprocess.run(check, stdout=subprocess.PIPE, text=True)
        assert bool(done.returncode) == bool(added), done.stdout
