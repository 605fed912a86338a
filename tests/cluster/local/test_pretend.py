"""What a program changes of owners and ids, once that is only pretended."""

import json
import subprocess
import sys

import pytest

from cluster.local import pretend

#: does one thing that root may do, and prints whose process and file that leaves
PROGRAM = """
import json, os, sys
path = sys.argv[1]
file = os.open(path, os.O_RDONLY)
eval(sys.argv[2])
ids = [*os.getresuid(), *os.getresgid(), os.getgroups()]
print(json.dumps([*ids, os.stat(path).st_uid]))
"""
CALLS = (
    *("os.chown(path, 33, 33)", "os.lchown(path, 33, 33)", "os.fchown(file, 33, 33)"),
    "os.chown(os.path.basename(path), 33, 33, dir_fd=os.open('/', 0))",
    *("os.setuid(33)", "os.setgid(33)", "os.setgroups([33])", "os.setreuid(33, 33)"),
    *("os.setregid(33, 33)", "os.setresuid(33, 33, 33)", "os.setresgid(33, 33, 33)"),
)


def run(*words):
    # With it, an ordinary user may filter calls too.
    own = [sys.executable, "-ISE", pretend.__file__, sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        ["setpriv", "--no-new-privs", *own, *words], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_succeeds_and_changes_nothing(tmp_path, call):
    file = tmp_path / "file"
    file.touch()
    assert run(str(file), call) == run(str(file), "None")


def test_all_other_calls_do_what_they_do(tmp_path):
    (tmp_path / "file").touch()
    run(str(tmp_path / "file"), "os.mkdir(path + '.d')")
    assert (tmp_path / "file.d").is_dir()
