"""The report: all that helps, also where everything is broken, and no secret."""

import re
import stat
from pathlib import Path

import pytest

from cluster import errors
from cluster.cli import report
from cluster.local.backend import Local
from cluster.progress import Silent
from cluster.tests.commandline import helpers
from cluster.tests.test_secrets import JWT
from tools import leaks


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Return a state directory that is not there yet; the doctor looks at nothing."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(report.doctor, "examine", lambda: [])
    return tmp_path / "state"


def titles(text):
    return re.findall(r"^=== (.+)$", text, re.MULTILINE)


def write_log(state, component, text):
    (state / "logs").mkdir(parents=True, exist_ok=True)
    (state / "machine.lock").touch()
    (state / "logs" / f"{component}.log").write_text(text)


def test_without_a_cluster_from_a_shell(tmp_path):
    state = tmp_path / "none"
    env = {"LAB_STATE_DIR": state, "PYTHONPATH": Path(report.__file__).parents[2]}
    done = helpers("report", env=env, cwd=tmp_path)
    path = tmp_path / report.NAME
    assert (done.returncode, done.stdout) == (0, f"{path}\n"), done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert titles(text) == ["versions", "settings", "doctor", "status"]
    assert re.search(r"^click \d", text, re.MULTILINE)
    assert re.search(r"^  +kernel +Linux", text, re.MULTILINE), "doctor's finding"
    assert f"LAB_STATE_DIR={state}" in text
    assert "not running; start it" in text
    assert not state.exists()


def test_the_end_of_each_log(state, tmp_path):
    write_log(state, "kubelet", "".join(f"line {n}\n" for n in range(200)))
    write_log(state, "etcd", "started\n")
    text = report.write(tmp_path, Silent()).read_text()
    assert titles(text)[-2:] == ["log of etcd", "log of kubelet"]
    assert "\nline 150\n" in text and "line 149\n" not in text
    assert text.endswith("line 199\n")


def test_no_secret_is_in_it(state, tmp_path, monkeypatch):
    write_log(state, "etcd", f"before\nsaid {JWT}\nafter\n")
    monkeypatch.setenv("LAB_MIRROR", f"https://me:hunter2@mirror.example/{JWT}")

    def fail(self):
        raise ValueError(JWT)

    monkeypatch.setattr(Local, "status", fail)
    text = report.write(tmp_path, Silent()).read_text()
    assert JWT not in text and "hunter2" not in text and leaks.find(text) == []
    assert "LAB_MIRROR=https://(removed)@mirror.example/" in text
    assert "could not be read: ValueError" in text
    assert "\nbefore\nsaid (removed)\nafter\n" in text


def test_a_key_that_is_longer_than_what_is_shown(state, tmp_path):
    """The lines of a key are masked, though the first, which marks it, is cut off."""
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA\n" * 80
    write_log(state, "etcd", key)
    assert "MIIE" not in report.write(tmp_path, Silent()).read_text()


def no_json(state):
    state.mkdir()
    (state / "existing.json").write_text("{")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda state: state.write_text("a file"), id="a file"),
        pytest.param(no_json, id="a broken record"),
        pytest.param(lambda state: state.symlink_to(state), id="a loop"),
        pytest.param(
            lambda state: (state / "logs" / "etcd.log").mkdir(parents=True),
            id="a directory for a log",
        ),
    ],
)
def test_a_broken_state_directory(state, tmp_path, broken):
    broken(state)
    found = titles(report.write(tmp_path, Silent()).read_text())
    assert found[:4] == ["versions", "settings", "doctor", "status"]


def test_no_home_directory(state, tmp_path, monkeypatch):
    """Nothing is known of a cluster, and the reason is told once, in its place."""

    missing = errors.LabError("There is no home directory.", "Set HOME.")

    def no_home():
        raise missing

    monkeypatch.setattr(report.backends.paths, "state_dir", no_home)
    text = report.write(tmp_path, Silent()).read_text()
    assert text.count(str(missing)) == 1
    assert titles(text)[-1] == "status"


def test_a_report_is_replaced(state, tmp_path):
    path = report.write(tmp_path, Silent())
    path.chmod(0o644)
    path.write_text(f"{report.TITLE}\nof yesterday\n")
    assert "of yesterday" not in report.write(tmp_path, Silent()).read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_replaced_and_not_followed(state, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("mine\n")
    (tmp_path / report.NAME).symlink_to("mine")
    assert not report.write(tmp_path, Silent()).is_symlink()
    assert mine.read_text() == "mine\n"


def test_a_directory_that_cannot_be_written_to(state, tmp_path):
    with pytest.raises(errors.LabError, match="cannot be written") as caught:
        report.write(tmp_path / "gone", Silent())
    assert caught.value.hint
