"""What a browser fetches for Python is whole, and nothing else."""

import gzip
import io
import json
import os
import re
import tarfile
from importlib import metadata

import pytest

from cluster import errors
from tab import pack

PLACE = re.escape(pack.SITE)
VERSION = metadata.version("kubernetes")


@pytest.fixture(scope="module")
def names() -> set[str]:
    return {name for name, _ in pack.files([])}


def test_each_package_is_there(names):
    for module in (
        "httpx",
        "kubernetes/client",
        "IPython",
        "yaml",
        "jwt",
        "ipywidgets",
    ):
        assert f"{pack.SITE}/{module}/__init__.py" in names
    assert f"{pack.SITE}/kubernetes-{VERSION}.dist-info/METADATA" in names


def test_our_own_files_are_where_they_are_imported(names):
    for name in (
        "helpers/connection.py",
        "helpers/data/course.toml",
        "helpers/data/not-connected.json",
        "cluster/tab/backend.py",
        "cluster/locale/ko/LC_MESSAGES/messages.mo",
        "tab/python/machine.py",
        "pandas/__init__.py",
        "cryptography/x509.py",
    ):
        assert f"{pack.SITE}/{name}" in names


def test_our_requirements_are_read():
    [content] = [data for name, data in pack.own_files() if name.endswith("METADATA")]
    assert b"\nRequires-Dist: kubernetes" in content


def test_nothing_is_there_that_no_tab_imports(names):
    left_out = re.compile(rf"{PLACE}/(cluster/tests|kubernetes/aio|jedi)/|\.so$|\.pyc$")
    assert [name for name in names if left_out.search(name)] == []


def test_each_part_comes_with_its_license():
    text = pack.licenses()
    for name, distribution in pack.closure().items():
        assert re.search(
            rf"^{name} {re.escape(distribution.version)}, license \S",
            text,
            re.MULTILINE,
        ), name
    assert re.match(r"Pyodide [\d.]+, license MPL-2.0: https://", text)
    assert text.count("Permission is hereby granted") > 5


def test_two_archives_of_the_same_files_are_equal(tmp_path):
    content = {"b/c.py": b"1", "a.py": b"2" * 1000}
    for name in ("one", "two"):
        pack.write(tmp_path / name, iter(content.items()))
    data = (tmp_path / "one").read_bytes()
    assert data == (tmp_path / "two").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
        assert archive.getnames() == ["a.py", "b/c.py"]


def test_the_lock_has_what_is_compiled(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(pack, "_run", lambda *words, **_: commands.append(words))
    pack._download(tmp_path / "wheels")
    [command] = commands
    assert "--require-hashes" in command and pack.WASM in command
    lock = (tmp_path / "wheels" / "lock.txt").read_text()
    assert re.match(r"pydantic-core==[\d.]+ \\\n +--hash=sha256:", lock)


def test_another_version_than_the_locks_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(pack.metadata, "version", lambda name: "0.0.1")
    with pytest.raises(errors.LabError, match="does not have pydantic-core 0.0.1"):
        pack._download(tmp_path)


def test_npm_has_a_checksum_and_names_no_host():
    lock = json.loads(pack.LOCK.read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert "node_modules/pyodide" in packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert "resolved" not in pack.LOCK.read_text()


def test_a_new_entry_removes_the_oldest(monkeypatch, tmp_path):
    """Each change of a helper makes one, of 30 MB."""
    monkeypatch.setattr(pack.paths, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(pack, "_install_npm", lambda place: place)
    monkeypatch.setattr(pack, "_copy_core", lambda source, place: None)
    monkeypatch.setattr(pack, "_download", lambda place: [])
    monkeypatch.setattr(pack, "files", lambda wheels: iter(()))
    keys = [f"{number:012x}" for number in range(6)]
    for age, key in enumerate(keys):
        monkeypatch.setattr(pack, "_key", lambda key=key: key)
        entry = pack.ensure()
        os.utime(entry, (age, age))
    (entry.parent / "tmp-of-another").mkdir()
    monkeypatch.setattr(pack, "_key", lambda: "f" * 12)
    assert pack.ensure() == pack.find()
    kept = {path.name for path in entry.parent.iterdir()}
    assert kept == {*keys[-pack.OTHERS :], "f" * 12, "tmp-of-another"}
