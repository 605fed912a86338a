"""Many callers at once, and callers whose umask is not the usual one."""

import os
import re
import stat
import subprocess

import psutil
import pytest

from cluster import paths
from cluster.local.backend import Local
from cluster.machine import identity
from tests.cluster.whole.lab import ONCE, ROOT, Lab, full
from tests.commandline import COMMAND, environment, helpers

pytestmark = [*ONCE, full]


@pytest.fixture
def fresh(tmp_path):
    """Return a cluster that nobody has started yet."""
    lab = Lab(tmp_path / "state")
    yield lab
    lab.close()


def ten_times(state, word):
    """Run a command ten times at once; return the exit codes and what was said."""
    callers = [
        subprocess.Popen(
            [*COMMAND, word],
            cwd=ROOT,
            env=environment({"LAB_STATE_DIR": state}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(10)
    ]
    said = [caller.communicate(timeout=300)[0] for caller in callers]
    assert not any("Traceback" in text for text in said), said
    return [caller.returncode for caller in callers], said


def test_ten_callers_at_once_get_one_cluster_and_end_it(fresh):
    codes, said = ten_times(fresh.state, "up")
    assert codes == [0] * 10, said
    exports = {tuple(re.findall("^export .*", text, re.M)) for text in said}
    assert len(exports) == 1 and len(*exports) == 2
    # One outer process and its own: there is no second machine that gives way.
    outer = psutil.Process(identity.pid_of(fresh.state, "outer"))
    machine = {outer, *outer.children(recursive=True)}
    assert {*identity.processes(fresh.state)} <= machine
    namespace = fresh.namespace()
    codes, said = ten_times(fresh.state, "stop")
    assert codes == [0] * 10, said
    fresh.assert_nothing_left(namespace)


@pytest.mark.parametrize("umask", ["000", "077"])
def test_a_whole_cluster_under_any_umask(tmp_path, umask):
    """Also the directories above the state, which the usual place has."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    env = {"HOME": home, "LAB_STATE_DIR": None, "LAB_CACHE_DIR": paths.cache_dir()}

    def run(*words):
        shell = ("sh", "-c", f'umask {umask}; exec "$@"', "sh")
        done = helpers(*words, env=env, prefix=shell)
        assert done.returncode == 0, done.stderr
        return done.stdout

    state = home / ".local/state/kubernetes-api-notebooks"
    try:
        run("up")
        lab = Lab(state)
        lab.run_pod("web")
        assert lab.sh("web", "id -u; cat /etc/hostname") == "0\nweb\n"
        above = [home / ".local", home / ".local/state", state]
        modes = [stat.S_IMODE(os.stat(path).st_mode) for path in above]
        assert modes == [0o700] * 3
        run("stop")
        run("delete", "--yes")
        assert not state.exists() or not any(state.iterdir())
    finally:
        Local(state).delete()
