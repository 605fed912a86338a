"""The shell, curl, jq and others do as the system's own, and stay in their machine."""

import shutil
from pathlib import Path

import pytest


@pytest.mark.full("compiles the tab's shell and programs")
def test_they_do_as_the_systems_own(go):
    """Units, and tables of lines that both answer: output and exit code are equal."""
    tested = go("test", "-vet=all", "-count=1", "./programs")
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.full("compiles Go's library for js/wasm")
def test_they_do_so_with_one_thread(go):
    """The units under Node, where a program that computes could stop all others."""
    if not shutil.which("node"):
        pytest.skip("no Node here")
    root = Path(go("env", "GOROOT").stdout.strip())
    words = ("test", "-vet=off", "-count=1", "-v", "./programs")
    runner = f"-exec={root}/lib/wasm/go_js_wasm_exec"
    tested = go(*words, runner, GOOS="js", GOARCH="wasm")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "--- PASS: TestContextEndsEachProgram" in tested.stdout
