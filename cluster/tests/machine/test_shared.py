"""Files that pods can write are read as hostile: no link, traceback or escape."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from cluster import errors, statedir
from cluster.image import load
from cluster.local.backend import Local
from cluster.machine import logs, status_file, storage

PART = {"state": "running", "pid": 7, "restarts": 0, "last_exit": None, "since": 1.5}
STATUS = {
    "phase": "ready",
    "awaited": [],
    "failed": None,
    "problem": None,
    "began": 1.0,
    "ready_at": None,
    "components": {"etcd": PART},
}


@pytest.fixture
def secret(tmp_path) -> Path:
    path = tmp_path / "secret"
    path.write_text("of the host")
    return path


PLACED = {
    "a link": lambda path, secret: path.symlink_to(secret),
    "a pipe": lambda path, secret: os.mkfifo(path),
    "a directory": lambda path, secret: path.mkdir(),
    "a socket": lambda path, secret: os.mknod(path, stat.S_IFSOCK | 0o600),
}


@pytest.mark.parametrize("place", PLACED.values(), ids=PLACED)
def test_only_a_regular_file_is_read(tmp_path, secret, place):
    place(tmp_path / "etcd.log", secret)
    with pytest.raises(OSError):
        statedir.read_shared(tmp_path / "etcd.log", 1000)
    assert logs.tail(tmp_path / "etcd.log") == ""


def test_no_more_is_read_than_was_asked_for_and_nothing_moves_a_cursor(tmp_path):
    path = tmp_path / "etcd.log"
    path.write_bytes(b"x" * 5000 + b"\x1b]0;title\x07 \xc2\x9b31m\ttab\n\xff")
    text = statedir.read_shared(path, 40)
    assert len(text) <= 40
    assert text.endswith("�]0;title� �31m\ttab\n�")
    os.truncate(path, 1 << 40)
    assert len(statedir.read_shared(path, 1000)) == 1000


def test_a_status_is_what_was_written():
    assert status_file.parse(json.dumps(STATUS)) == STATUS


@pytest.mark.parametrize(
    "change",
    [
        {"phase": None},
        {"awaited": [7]},
        {"failed": "../../.ssh/id"},
        {"components": {"../etcd": PART}},
        {"components": {"etcd": {**PART, "since": float("nan")}}},
        {"components": {"etcd": {**PART, "since": 10**400}}},
        {"components": {"etcd": {**PART, "restarts": "many"}}},
        {"absent": [None]},
        {"limits": "yes"},
        {"began": float("inf")},
    ],
)
def test_what_is_no_status_is_damaged_and_no_traceback(tmp_path, change):
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "status.json"
    for text in (json.dumps({**STATUS, **change}), "[" * 100_000, "", "null", "\0"):
        path.write_text(text)
        with pytest.raises(errors.StateError, match="is damaged") as caught:
            Local(tmp_path)._machine.last_status()
        assert "kapi stop" in caught.value.hint


def test_the_texts_of_a_status_move_no_cursor():
    found = status_file.parse(json.dumps({**STATUS, "problem": "\x1b[2Jgo\ud800ne"}))
    assert found["problem"] == "�[2Jgo�ne"


def test_a_start_clears_away_what_pods_have_put_into_the_place_of_logs(
    tmp_path, secret
):
    state = tmp_path / "state"
    (state / "logs").mkdir(parents=True)
    (state / "audit").mkdir()
    (state / "logs" / "etcd.log").write_text("kept")
    (state / "logs" / "machine.log").symlink_to(secret)
    (state / "logs" / "kubelet.log").mkdir()
    (state / "logs" / "coredns.log.1").mkdir()
    (state / "logs" / "pods").symlink_to(tmp_path)
    os.mkfifo(state / "audit" / "audit.log")
    (state / "etcd").symlink_to(tmp_path)
    storage.prepare(state)
    assert {path.name for path in (state / "logs").iterdir()} == {"pods", "etcd.log.1"}
    assert stat.S_ISDIR((state / "logs" / "pods").lstat().st_mode)
    assert stat.S_ISDIR((state / "etcd").lstat().st_mode)
    assert list((state / "audit").iterdir()) == []
    assert secret.read_text() == "of the host"


def test_ctr_follows_no_link_to_another_containerd(tmp_path):
    """The program is not even started."""
    real, place = tmp_path / "real.sock", tmp_path / "containerd.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(real))
        place.symlink_to(real)
        with pytest.raises(errors.NotRunning):
            load.list_images(tmp_path / "ctr", place)
