"""The host reads its files as hostile input: a pod may have replaced them.

The last of the walls' tests: it leaves no cluster behind that works. The reader is
tested without a cluster in cluster/tests/machine/test_shared.py.
"""

import pytest

from cluster.tests.slowness import scaled
from cluster.tests.walls.cluster import Cluster

pytestmark = pytest.mark.full("a cluster that a pod has spoilt, live")

STATE = "/host/run/lab/state"
#: files of the shared directories that the host reads
READ = "run/status.json logs/*.log audit/audit.log"
#: a document that is right up to its last word, and then says more than it should
STATUS = (
    '{"phase": "ready", "failed": null, "problem": null, "awaited": [], "began": 0,'
    ' "ready_at": 0, "components": {"etcd": %s}}'
)
PART = (
    r'{"state": "\u001b]0;owned\u0007\u001b[2J", "pid": 1, "restarts": 0,'
    r' "last_exit": null, "since": 0}'
)
INSTEAD = {
    "a symlink": "ln -s $diary $file",
    "a FIFO": "mkfifo $file",
    "a huge file": "truncate -s 20G $file",
    "escape sequences": f"printf %s '{STATUS % PART}' > $file",
}
#: looks at all of it as a learner does, one command after the other; each has to end
#: in time
LOOK = """
import os, resource, signal, sys
from cluster import backends, cli, errors
os.chdir(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
for words in (["status"], ["logs", "kubelet"], ["logs", "etcd"], ["report"]):
    signal.alarm(int(sys.argv[2]))
    try:
        cli.main(words)
    except SystemExit:
        pass
signal.alarm(int(sys.argv[2]))
try:
    print(len(backends.kept_backend().audit_log()))
except errors.LabError as error:
    print(error)
with open("kubernetes-api-notebooks-report.txt") as file:
    print(file.read())
print("the end")
"""


@pytest.mark.parametrize("kind", INSTEAD)
def test_a_file_in_place_of_one_that_the_host_reads(lab, kind):
    put_instead(lab, INSTEAD[kind])
    seconds = int(scaled(60))
    done = lab.python("-c", LOOK, str(lab.home), str(seconds), timeout=5 * seconds)
    assert done.stdout.endswith("the end\n")
    assert lab.secret not in done.stdout
    assert "Traceback" not in done.stdout
    assert "\x1b" not in done.stdout


def put_instead(lab: Cluster, command: str) -> None:
    lab.run_pod("plain")
    lab.sh(
        "plain",
        f"cd {STATE}; diary='{lab.diary}'; "
        f"for file in {READ}; do rm -rf $file; {command}; done",
    )


def test_symlinks_do_not_lead_a_start_out_of_the_state(lab):
    """Neither what is written at a start nor what is shown in the machine."""
    put_instead(lab, "ln -s $diary $file")
    before = learners(lab)
    lab.sh(
        "plain",
        # Not etcd's: it would not start, and nothing would be shown.
        f"cd {STATE}; for each in logs/* node/* run/* etc/*; do "
        f"[ -d $each ] && mv $each $each.own && ln -s '{lab.home}' $each; done; true",
    )
    lab.helpers("stop")
    started = lab.python("-m", "helpers", "up").returncode == 0
    assert learners(lab) == before
    if started:
        # A new one: that of before may not have been started again yet.
        lab.run_pod("after")
        found = lab.attempts("after")["the learner's files: in sight"]
        assert found["tried"] and found["got"] == []
        lab.helpers("stop")


def test_delete_removes_what_a_pod_has_piled_up(lab):
    """And nothing else: not where a symlink leads."""
    lab.helpers("delete", "--yes")
    lab.up()
    before = learners(lab)
    pile = (
        "import os; os.chdir('/host/run/lab/state/logs')\n"
        f"os.symlink({str(lab.home)!r}, 'link')\n"
        "os.mkdir(b'\\xff\\n'); os.mkdir('closed'); os.mkdir('closed/in')\n"
        "os.chmod('closed', 0)\n"
        "for _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\n"
    )
    lab.run_pod("plain")
    lab.kubectl("exec", "-i", "plain", "--", "python3", "-", input=pile)
    lab.helpers("delete", "--yes")
    assert not lab.state.exists()
    assert learners(lab) == before


def learners(lab: Cluster) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in lab.home.iterdir()
        if path.is_file() and not path.name.startswith("kubernetes")
    }
