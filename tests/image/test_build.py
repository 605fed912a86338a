"""Builds of the image that cannot succeed: what is said, and that nothing goes on."""

import shutil

import psutil
import pytest

from cluster import errors
from cluster.image.build import Build
from cluster.progress import Silent

full = pytest.mark.full("builds from source")
needs_mmdebstrap = pytest.mark.skipif(
    not shutil.which("mmdebstrap"), reason="mmdebstrap is not installed"
)


class Interrupting(Silent):
    """A view during which somebody presses Ctrl-C as soon as packages are fetched."""

    def __init__(self, log):
        self.log = log

    def update(self, message):
        if "apt-get update" in self.log.read_text():
            raise KeyboardInterrupt


def build(tmp_path, progress):
    work = tmp_path / "wörk dir"
    work.mkdir()
    making = Build(work, tmp_path / "build.log", progress)
    return making.make(tmp_path / "kubectl", ("kubernetes==37.0.2",), "amd64")


def test_missing_mmdebstrap_is_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.MissingTool) as caught:
        build(tmp_path, Silent())
    assert caught.value.tool == "mmdebstrap"
    assert "apt-get install" in caught.value.way_out


@full
@needs_mmdebstrap
def test_mirror_out_of_reach(tmp_path, monkeypatch):
    # The settings of this machine's apt, without those of its administrator; nobody
    # listens on port 9.
    lines = [f'Dir::Etc::Parts "{tmp_path}/none";', 'Acquire::Retries "0";']
    for scheme in ("http", "https"):
        lines.append(f'Acquire::{scheme}::Proxy "http://127.0.0.1:9";')
    (tmp_path / "apt.conf").write_text("\n".join(lines))
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with pytest.raises(errors.BuildFailed) as caught:
        build(tmp_path, Silent())
    assert "Debian packages" in caught.value.what
    assert caught.value.exit_code != 0
    assert "127.0.0.1:9" in caught.value.tail
    assert "127.0.0.1:9" in caught.value.log.read_text()


@full
@needs_mmdebstrap
def test_interrupted_build_ends_what_it_started(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Interrupting(tmp_path / "build.log"))
    still = [
        process.info
        for process in psutil.process_iter(["pid", "cmdline", "status"])
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ())
    ]
    assert not still
