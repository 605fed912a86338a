"""The local cluster keeps the contract; and what is special to its machine."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import errors
from cluster.local.backend import Local
from cluster.machine import identity, layout
from cluster.processes import PACKAGES, start_time
from cluster.progress import Silent
from cluster.tests.contract import Contract
from cluster.tests.whole.lab import ONCE, full

pytestmark = ONCE


class TestContract(Contract):
    """The contract, in namespaces."""


def test_it_is_a_cluster(lab):
    """Wherever its directory is."""
    assert len(os.fsencode(lab.state)) > 120
    assert any("toolbox" in image.name for image in lab.backend.images())
    node = json.loads(lab.kubectl("get", "node", layout.NODE_NAME, "-o", "json"))
    assert "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]
    slices = lab.kubectl("get", "endpointslices", "kubernetes", "-o", "json")
    assert [e["addresses"] for e in json.loads(slices)["endpoints"]] == [
        [layout.NODE_IP]
    ]


@full
def test_inside_only_pods_reach_what_does_not_belong_to_loopback(lab):
    pid = lab.machine.pid()
    outside = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            address, port = words[1].split(":")
            if words[3] in ("0A", "07") and not address.endswith("0100007F"):
                outside.add(int(port, 16))
    # API server and kubelet for pods, and DNS. Health of kube-proxy's Services: none.
    assert outside == {layout.API_PORT, 10250, 53}


def test_the_environment_of_pid_1_has_nothing_of_the_learners(lab):
    content = Path(f"/proc/{lab.builder()}/environ").read_bytes()
    names = {entry.partition(b"=")[0] for entry in content.split(b"\0") if entry}
    assert names == {b"PATH", b"LANG"}


def test_a_pid_that_is_another_processs_by_now_is_never_signalled(tmp_path):
    """Nor is one of a damaged file, which hides no machine that runs."""
    machine = Local(tmp_path)._machine
    with subprocess.Popen(["sleep", "300"]) as innocent:
        started = start_time(innocent.pid)
        known = [
            {"pid": innocent.pid, "start": start} for start in (started - 1, None, "x")
        ]
        whole = [json.dumps({"pid_1": entry, "outer": entry}) for entry in known]
        for content in (*whole, "", "[]", '{"pid_1": 7}', "\0\0", "null", "{"):
            (tmp_path / "machine.json").write_text(content)
            assert machine.pid() is None
            assert machine.stop() is False
            identity.send(tmp_path, signal.SIGKILL)
            assert innocent.poll() is None
            with identity.hold_lock(tmp_path):
                assert machine.running()
        innocent.kill()


@full
@pytest.mark.skipif(os.geteuid() == 0, reason="root may bind every port")
def test_a_port_that_only_root_may_have(stopped):
    with pytest.raises(errors.StartFailed, match="Permission denied"):
        stopped.backend.up(Silent(), port=81)


def test_a_file_where_the_state_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.StateError) as caught:
        Local(tmp_path / "file")._machine.start(tmp_path, None, 0, Silent())
    assert caught.value.path == tmp_path / "file"
    assert "LAB_STATE_DIR" in caught.value.hint


def test_asking_whether_it_runs_disturbs_nobody(tmp_path):
    """A question must not be taken for the machine, nor keep a start away."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from cluster.machine import identity\n"
        "print('asking', flush=True)\n"
        "while True: identity.is_running(Path(sys.argv[2]))"
    )
    with identity.hold_lock(tmp_path):
        assert identity.is_running(tmp_path)
    arguments = [sys.executable, "-c", program, PACKAGES, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as asker:
        try:
            asker.stdout.readline()
            for _ in range(2000):
                assert not identity.is_running(tmp_path)
                with identity.hold_lock(tmp_path):
                    pass
            assert asker.poll() is None
        finally:
            asker.kill()
