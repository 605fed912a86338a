"""After a failure the cause is in sight, and what a person cannot use is not."""

import json

import pytest

from cluster.errors import ComponentFailed
from cluster.machine.logs import last_words, shrink

PANIC = """\
{"level":"info","msg":"opening backend"}
panic: freepages: failed to get all reachable pages

goroutine 104 [running]:
go.etcd.io/bbolt.(*DB).freepages.func2()
\tgo.etcd.io/bbolt@v1.4.3/db.go:1266 +0x85
created by go.etcd.io/bbolt.(*DB).freepages in goroutine 103
\tgo.etcd.io/bbolt@v1.4.3/db.go:1264 +0x14a
"""


def failed(tmp_path, log: str) -> ComponentFailed:
    path = tmp_path / "etcd.log"
    path.write_text(log)
    return ComponentFailed("etcd", "exit code 2", last_words(path), path)


def test_a_panic_is_its_reason(tmp_path):
    """Stack traces of three starts would push it out of sight."""
    assert failed(tmp_path, PANIC * 3).tail.splitlines() == [
        "info: opening backend",
        "panic: freepages: failed to get all reachable pages",
    ]


#: panics of etcd, and whether its database is to blame
PANICS = (
    ("cannot allocate memory", False),
    ("no space left on device", False),
    ("timeout", False),
    ("invalid database", True),
    ("walpb: crc mismatch: expected: d1 computed: c5: in file '0.wal'", True),
)


@pytest.mark.parametrize(("reason", "damaged"), PANICS)
def test_to_delete_is_advised_for_damaged_data_alone(tmp_path, reason, damaged):
    line = {"level": "panic", "ts": "", "msg": "failed to open", "error": reason}
    error = failed(tmp_path, json.dumps({**line, "stacktrace": "x" * 2000}) + "\n")
    assert error.tail == f"panic: failed to open: {reason}"
    assert ("kapi delete" in error.hint) is damaged


def test_long_lines_are_cut(tmp_path):
    """Some loggers put a whole trace into one."""
    log = tmp_path / "etcd.log"
    log.write_text("E1125 fatal " + "x" * 5000 + "\n")
    assert len(last_words(log)) == 203
    assert last_words(tmp_path / "none.log") == ""


@pytest.mark.parametrize("lines", [1, 20])
def test_it_is_the_end(tmp_path, lines):
    log = tmp_path / "kubelet.log"
    log.write_text("".join(f"I{number} says (something)\n" for number in range(99)))
    said = last_words(log, lines).splitlines()
    assert (len(said), said[-1]) == (lines, "I98 says (something)")


def test_a_log_is_cut_although_its_end_cannot_be_kept(tmp_path):
    """As on a full disk, which it would keep full."""
    log = tmp_path / "etcd.log"
    log.write_text("x" * 100)
    (tmp_path / "etcd.log.1").mkdir()
    assert shrink(log, 50, 10) is True
    assert log.stat().st_size == 0
