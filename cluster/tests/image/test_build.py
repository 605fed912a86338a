"""Builds of the image: from which mirrors, and what is said of those that fail."""

import shutil

import pytest

from cluster import errors
from cluster.image.build import Build, Sources, apt_options, apt_sources
from cluster.progress import Silent

full = pytest.mark.full("builds from source")
needs_mmdebstrap = pytest.mark.skipif(
    not shutil.which("mmdebstrap"), reason="mmdebstrap is not installed"
)


def build(tmp_path, progress):
    work = tmp_path / "wörk dir"
    work.mkdir()
    making = Build(work, tmp_path / "build.log", progress)
    return making.make(tmp_path / "kubectl", ("kubernetes==37.0.2",), "amd64")


def test_missing_mmdebstrap_is_named_with_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "apt-get").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.MissingTool) as caught:
        build(tmp_path, Silent())
    assert caught.value.tool == "mmdebstrap"
    assert "apt-get install" in caught.value.hint
    assert "Docker or Podman" in caught.value.hint


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


# --- This machine's apt ---

DEBIAN = {"ID": "debian", "VERSION_ID": "12", "VERSION_CODENAME": "bookworm"}
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
TARGETS = f"""\
http://mirror.test/debian/|bookworm|main|{KEYS}
http://mirror.test/debian/|bookworm-updates|main|{KEYS}
http://mirror.test/debian/|bookworm-backports|main|{KEYS}
http://mirror.test/security/|bookworm-security|main|$(SIGNED_BY)
http://mirror.test/updates/|bookworm/updates|main|-----BEGIN PGP
 mQINBF
http://browser.test/|stable|main|/etc/apt/keyrings/browser.gpg
http://database.test/|bookworm-pgdg|main|/etc/apt/keyrings/database.gpg
"""


def test_only_the_distributions_own_sources_are_taken():
    found = apt_sources(TARGETS, DEBIAN)
    assert found.suite == "bookworm"
    assert found.lines == (
        f"deb [signed-by={KEYS}] http://mirror.test/debian/ bookworm main",
        f"deb [signed-by={KEYS}] http://mirror.test/debian/ bookworm-updates main",
        "deb http://mirror.test/security/ bookworm-security main",
        # A key that is written out in the source is no path.
        "deb http://mirror.test/updates/ bookworm/updates main",
    )


def test_derivative_uses_the_suite_of_what_it_derives_from():
    mint = {"VERSION_CODENAME": "virginia", "UBUNTU_CODENAME": "jammy"}
    targets = (
        "http://mirror.test/ubuntu/|jammy|main|\nhttp://mint.test/|virginia|main|\n"
    )
    found = apt_sources(targets, mint)
    assert found.suite == "jammy"
    assert found.lines == ("deb http://mirror.test/ubuntu/ jammy main",)


def test_unstable_goes_by_the_name_that_its_sources_use():
    found = apt_sources(
        "http://mirror.test/debian/|sid|main|\n", {"VERSION_CODENAME": "forky"}
    )
    assert found == Sources("sid", ("deb http://mirror.test/debian/ sid main",))


def test_machine_without_sources_leaves_the_choice_to_the_tool():
    assert apt_sources("", DEBIAN) == Sources("bookworm")
    assert apt_sources("", {}) == Sources("stable")


def test_options_are_those_of_fetching():
    dump = """\
APT::Architecture "amd64";
Acquire "";
Acquire::Changelogs::URI::Origin::Debian "https://changes.test";
Acquire::Check-Valid-Until "false";
Acquire::Languages:: "none";
Acquire::http::Proxy "http://user:word@proxy.test:3128";
Acquire::https::CaInfo "/etc/ssl/own.pem";
Acquire::Retries "5";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
"""
    assert apt_options(dump) == (
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::http::Proxy "http://user:word@proxy.test:3128";\n'
        'Acquire::https::CaInfo "/etc/ssl/own.pem";\n'
        'Acquire::Retries "5";\n'
    )
