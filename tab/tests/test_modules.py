"""The modules of the page, each alone under Node: tests/page has the tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tab import page

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
