"""The word that writes the SHA-256 of all releases into this repository."""

import pytest

from cluster.binaries import releases
from tests.binaries import mirror as m
from tools import checksums


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror with every release, each with its address as its content."""
    with m.running(tmp_path) as mirror:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("LAB_MIRROR", mirror.base)
        for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for address, release in checksums.pinned_addresses().items():
            contents = dict.fromkeys(release.programs, address.encode())
            mirror.publish(release, contents)
        yield mirror


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file with one unknown sum and one of a version that is gone."""
    file = tmp_path / "checksums.toml"
    file.write_text(checksums.text({"https://gone.example/v1": "0" * 64}))
    monkeypatch.setattr(releases, "CHECKSUMS", file)
    releases.checksums.cache_clear()
    yield file
    releases.checksums.cache_clear()


def run():
    releases.checksums.cache_clear()
    code = checksums.main()
    releases.checksums.cache_clear()
    return code


def test_it_fills_the_file_and_shows_what_changes(mirror, file, capsys):
    assert run() == 0
    found = releases.checksums()
    assert set(found) == set(checksums.pinned_addresses()) and all(found.values())
    output = capsys.readouterr()
    assert '-"https://gone.example/v1"' in output.out
    assert output.out.count('\n+"https://') == len(found)
    assert f"{len(found)} releases, 0 not known" in output.err
    assert run() == 0
    assert capsys.readouterr().out == ""


def test_what_a_host_does_not_tell_stays_as_it_was(mirror, file, capsys):
    kubectl = releases.PUBLISHED["kubectl"].at("amd64", mirror.base)
    path = kubectl.sums.removeprefix(mirror.base)
    text = mirror.files.pop(path)
    assert run() == 1
    assert releases.checksums()[releases.PUBLISHED["kubectl"].at("amd64").url] == ""
    assert f"404 for {kubectl.sums}\n" in capsys.readouterr().err
    mirror.files[path] = text
    assert run() == 0
    del mirror.files[path]
    assert run() == 1
    assert all(releases.checksums().values())


def test_a_sum_that_has_changed_is_told_and_not_taken(mirror, file, capsys):
    """A release does not change: somebody else has the host."""
    assert run() == 0
    before = releases.checksums()
    kubectl = releases.PUBLISHED["kubectl"].at("arm64", mirror.base)
    mirror.files[kubectl.sums.removeprefix(mirror.base)] = b""
    mirror.publish(kubectl, {"kubectl": b"another program"})
    assert run() == 1
    assert releases.checksums() == before
    assert "arm64/kubectl is here with another SHA-256" in capsys.readouterr().err
