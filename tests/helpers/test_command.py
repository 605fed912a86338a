"""A learner gets kubectl's sentence or ours, whatever is asked, and no traceback."""

import pytest

from helpers import errors
from helpers.command import kubectl
from helpers.exercises.checks import (
    batch_api,
    manifests_that_are_refused,
    pod_metadata,
    server_side_apply,
    start_here,
)


@pytest.mark.parametrize(
    ("given", "got"),
    [("x\0y 🎉\t", "x\0y 🎉\t"), ("half an emoji: \ud83c", "half an emoji: ?")],
)
def test_what_it_is_given_arrives(scripted, given, got):
    """The server says what is wrong with the rest."""
    scripted("cat")
    assert kubectl("apply", "-f", "-", input=given).stdout == got


@pytest.mark.parametrize(
    "arguments", [("get pods 'web",), ("get", "pod", "a\0b"), ("get", "pod", "\ud83c")]
)
def test_a_command_line_that_is_none_is_told(scripted, arguments):
    """Before anything is asked."""
    scripted("echo asked >&2; exit 1")
    with pytest.raises(errors.LabError, match="this command line") as caught:
        kubectl(*arguments)
    assert len(str(caught.value).splitlines()) == 2


def test_output_that_is_no_text_is_a_value(scripted):
    """As the log of a pod may be."""
    scripted(r"printf 'a\377b'")
    assert kubectl("logs pod/binary").stdout == "a\ufffdb"


def test_a_failure_keeps_the_words_of_kubectl(scripted):
    scripted("echo 'no such thing' >&2; exit 3")
    with pytest.raises(errors.KubectlFailed, match="no such thing") as caught:
        kubectl("get thing")
    assert (caught.value.exit_code, caught.value.stderr) == (
        3,
        "no such thing\n",
    )
    assert kubectl("get thing", check=False).exit_code == 3


#: what kubectl says when a cluster is stopped, is frozen, and of a manifest then
REFUSED = "The connection to the server 127.0.0.1:1 was refused - did you specify it?"
FROZEN = "Unable to connect to the server: net/http: TLS handshake timeout"
INVALID = "error: error validating: dial tcp 127.0.0.1:1: connect: connection refused"


@pytest.mark.parametrize("words", [REFUSED, FROZEN, INVALID])
def test_a_cluster_that_is_away_is_told(scripted, phase, words):
    """Not as a value: what is asked for may be there all the same."""
    scripted(f"echo '{words}' >&2; exit 1")
    for name, said in [
        ("not running", "The cluster does not run.\nRun `connect()` in a cell"),
        ("stopped", "The cluster does not run.\n"),
        ("starting", "The cluster does not answer.\nWait a little;"),
        ("not answering", "The cluster does not answer.\n"),
    ]:
        phase(name)
        with pytest.raises(errors.ClusterDown) as caught:
            kubectl("get thing", check=False)
        assert str(caught.value).startswith(said)
    phase("degraded")
    assert kubectl("get thing", check=False).stderr == f"{words}\n"


#: what a kubectl does that waits for ever, unless it is asked whether a server is there
ENDLESS = '[ "$1" = get ] || exec sleep 60\n'


@pytest.mark.parametrize(
    "said", ["", "echo 'Error from server (Forbidden): no' >&2; exit 1"]
)
def test_a_command_that_does_not_end_is_ended_and_named(scripted, phase, said):
    """Nobody blames a server that responds, be it with a refusal."""
    scripted(f"{ENDLESS}{said}")
    phase("ready")
    with pytest.raises(errors.DoesNotEnd) as caught:
        kubectl("logs", "--follow", "web", timeout=-4.5)
    assert caught.value.arguments == ["logs", "--follow", "web"]
    words = "kubectl logs --follow web: ended, because it still ran after 0 s.\n"
    assert str(caught.value).startswith(f"{words}The API server responds: does the")


def test_a_server_that_is_silent_is_blamed(scripted, phase, monkeypatch):
    scripted(f"{ENDLESS}echo '{FROZEN}' >&2; exit 1")
    phase("ready")
    with pytest.raises(errors.NotReady, match="last seen: no answer from the API ser"):
        kubectl("apply", "-f", "-", timeout=-4.5)
    phase("stopped")
    with pytest.raises(errors.ClusterDown):
        kubectl("apply", "-f", "-", timeout=-4.5)
    phase("ready")
    scripted("exec sleep 60")
    monkeypatch.setattr("helpers.command.RESPONSE", 0.25)
    with pytest.raises(errors.NotReady, match="no answer from the API server"):
        kubectl("apply", "-f", "-", timeout=-4.5)


#: whatever asks kubectl for an object that may not be there
ASKING = {
    "namespace": lambda: start_here.label_namespace("ours"),
    "pod": lambda: pod_metadata.sort_fields({}, pod="web"),
    "running pod": lambda: pod_metadata.hand_down_facts(pod="web"),
    "cronjob": lambda: batch_api.create_cronjob("/apis"),
    "configmap": lambda: server_side_apply.give_up_fields({}),
}


@pytest.mark.parametrize("check", ASKING.values(), ids=ASKING)
def test_a_check_takes_no_failure_for_an_object_that_is_not_there(
    scripted, phase, check
):
    program = scripted("echo 'Error from server (Forbidden): no' >&2; exit 1")
    phase("ready")
    with pytest.raises(errors.KubectlFailed, match="Forbidden"):
        check()
    program.write_text("#!/bin/sh\n")
    with pytest.raises(errors.NotSolved, match="There is no"):
        check()
    program.write_text(f"#!/bin/sh\necho '{REFUSED}' >&2; exit 1\n")
    phase("stopped")
    with pytest.raises(errors.ClusterDown):
        check()


def test_a_manifest_is_not_refused_by_a_server_that_is_away(scripted, phase):
    scripted(f"echo '{INVALID}' >&2; exit 1")
    phase("stopped")
    with pytest.raises(errors.ClusterDown):
        manifests_that_are_refused.repair_job({}, completions=1, mode="Indexed")


def test_a_path_is_not_found_only_where_the_server_says_so(scripted, phase):
    """An existing cluster may refuse to show what is at it."""
    cronjob = '{"metadata": {"name": "new-year", "uid": "1"}, "spec": {"schedule": '
    cronjob += '"0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": '
    cronjob += '{"containers": [{"image": "toolbox:1"}]}}}}}}'
    program = scripted("")
    script = f"#!/bin/sh\n[ \"$2\" = cronjob ] && {{ echo '{cronjob}'; exit; }}\n"
    for words, wrong in [
        ("Forbidden", errors.KubectlFailed),
        ("NotFound", errors.NotSolved),
    ]:
        program.write_text(
            f"{script}echo 'Error from server ({words}): no' >&2; exit 1"
        )
        with pytest.raises(wrong):
            batch_api.create_cronjob("/apis")
