"""What a running build says of itself."""

import subprocess
import sys

import pytest

from cluster.binaries.build_view import View, working_on
from tests.local.waiting import until


class Lines:
    """A view that keeps what it was told."""

    def __init__(self):
        self.shown = []

    def update(self, message):
        self.shown.append(message)


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").write_text("a/line/of/an/earlier/step\n")
    return tmp_path / "log"


def add(log, text):
    with log.open("a") as file:
        file.write(text)


def test_packages_are_counted_as_go_names_them(log):
    view = View(Lines(), "building", log, total=9)
    add(log, "internal/abi\ngithub.com/a/b-c/v2\nk8s.io/x")
    view.read()
    assert view.compiled == 2
    add(log, "/y\nwarning: not a package\n")
    view.read()
    assert view.compiled == 3


def test_it_says_how_far_it_is_and_what_it_fetches(log):
    lines = Lines()
    view = View(lines, "building 1/5 kubernetes", log, total=9)
    add(log, "errors\n")
    view(0)
    assert lines.shown == ["building 1/5 kubernetes: 1 of at most 9 packages compiled"]
    fetching = View(lines, "building 1/5 kubernetes", log)
    add(log, "go: downloading k8s.io/api v0.37.2\n")
    fetching(0)
    assert lines.shown[-1] == "building 1/5 kubernetes: downloading k8s.io/api"


def test_a_line_stays_the_same_for_a_while_but_is_shown_each_time(log):
    lines = Lines()
    view = View(lines, "building", log, total=9)
    view(0)
    add(log, "errors\n")
    view(0)
    assert lines.shown == ["building: 0 of at most 9 packages compiled"] * 2


def test_the_package_that_a_compiler_works_on_is_named(tmp_path):
    """Go tells each tool its package, in an environment like this one."""
    tool = tmp_path / "compile"
    tool.symlink_to("/bin/sh")
    child = f"import subprocess; subprocess.run(['{tool}', '-c', 'read line; :'])"
    with subprocess.Popen(
        [sys.executable, "-c", child],
        stdin=subprocess.PIPE,
        env={"TOOLEXEC_IMPORTPATH": "k8s.io/api/core/v1"},
    ) as process:
        assert until(lambda: working_on(process.pid)) == "k8s.io/api/core/v1"
        process.stdin.close()


def test_a_process_that_has_ended_works_on_nothing():
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert working_on(process.pid) == ""
