"""Waiting for a file of a genuine pod: it comes, it is late, it is not there."""

import pytest

from cluster import errors
from helpers.pods import exec_in_pod, wait_for_file, wait_for_output
from tests.running import run, sleeper

SCRIPT = "echo first > /tmp/file; sleep infinity"


@pytest.fixture(scope="module")
def pod(namespace):
    run(sleeper("files", command=["sh", "-c", SCRIPT]))
    return "files"


def test_what_is_there_is_found_at_once(pod):
    """By the first look: there is no time for a second one."""
    assert wait_for_file(pod, "/tmp/file", "first", timeout=0) > 0


def test_it_waits_for_what_comes(pod):
    """The text appears later than the first look, and in a file that was not there."""
    exec_in_pod(pod, "sh", "-c", "(sleep 1; echo late > /tmp/late) >/dev/null 2>&1 &")
    assert wait_for_file(pod, "/tmp/late", "late", timeout=20) > 0.5


def test_a_wait_in_vain_says_what_the_file_held(pod):
    """The learner sees the old text, and after how many seconds."""
    with pytest.raises(errors.NotReady) as caught:
        wait_for_file(pod, "/tmp/file", "second", timeout=0.5)
    assert caught.value.last == "first"
    assert caught.value.waited >= 0.5


def test_a_file_that_never_comes_is_told(pod):
    """The last thing seen is the complaint of cat."""
    with pytest.raises(errors.NotReady, match="No such file"):
        wait_for_file(pod, "/tmp/nothing", "x", timeout=0.2)


def test_no_such_pod_ends_the_wait(pod):
    """Waiting would not make one."""
    with pytest.raises(errors.KubectlFailed, match="not found"):
        wait_for_file("nobody", "/tmp/file", "x", timeout=20)


def test_a_command_is_asked_until_it_says_it(pod):
    """The answer changes from look to look."""
    script = "echo >> /tmp/looks; wc -l < /tmp/looks"
    assert wait_for_output("3", pod, "sh", "-c", script, timeout=20) > 0
    assert exec_in_pod(pod, "sh", "-c", "wc -l < /tmp/looks").stdout.strip() == "3"


def test_a_command_that_fails_has_not_said_it(pod):
    """Its words on the way do not count, and its complaint is told."""
    with pytest.raises(errors.NotReady, match="broken"):
        wait_for_output(
            "yes", pod, "sh", "-c", "echo yes; echo broken >&2; false", timeout=0.2
        )
