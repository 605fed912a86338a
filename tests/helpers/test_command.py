"""A learner gets kubectl's sentence or ours, whatever is asked, and no traceback."""

import pytest

from helpers import errors
from helpers.command import kubectl


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
