"""A machine's cgroup is made where it can be, enforces limits and is gone with it.

In a kernel of its own, without systemd: the cgroups of this machine are others'. With
systemd it is in tests/machines.
"""

import json
import signal
import subprocess
import sys

import pytest

from cluster.usermode import components, kernel
from tests.cluster.usermode import delegated

pytestmark = [
    pytest.mark.full("user-mode Linux"),
    pytest.mark.skipif(
        kernel.find()[0] is None, reason=kernel.find()[1] or "it can be had"
    ),
]
#: PID 1; it is told in hexadecimal digits where it is and where its answers go
PROGRAM = (
    "import sys; text = lambda word: bytes.fromhex(word).decode(); "
    "sys.path.insert(0, text(sys.argv[1])); "
    "from tests.cluster.usermode.delegated import main; main(text(sys.argv[2]))"
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Boot it once; it takes two seconds."""
    place = tmp_path_factory.mktemp("cgroups")
    (place / "run").mkdir()
    found, _ = kernel.find()
    file = str(place / "answers")
    words = components.kernel_command(found, sys.executable, file, "")
    words[words.index("-c") + 1] = f'"{PROGRAM}"'
    words = [word for word in words if not word.startswith(("ubd0", "vec0"))]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=120)
    assert (place / "answers").exists(), done.stdout + done.stderr
    return json.loads((place / "answers").read_text())


@pytest.mark.parametrize(
    ("case", "place"),
    [
        ("user", delegated.GIVEN),
        ("root", delegated.GIVEN),
        ("alone", delegated.cgroups.MOUNT),
    ],
)
def test_limits_are_enforced_in_the_nearest_place_that_allows_it(answers, case, place):
    answer = answers[case]
    assert "error" not in answer, answer["error"]
    assert answer["made"] == str(place)
    assert answer["divided"] is True
    # From inside, it is the root of all.
    assert answer["ours"] == "0::/components"
    assert answer["hungry"] == -signal.SIGKILL
    # Nothing is left of it, and nothing that could be forgotten.
    assert answer["left"] == []
    # A start does the same, with all that is around it.
    assert answer["trial"] == ["True"]


def test_who_was_given_no_cgroup_makes_none(answers):
    why = "there is no cgroup in which one could be made"
    answer = {"made": None, "why": why, "left": [], "trial": ["False"]}
    assert answers["elsewhere"] == answer
