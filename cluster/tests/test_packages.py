"""What is missing is named as the package manager of each Linux does."""

import json
import platform
import re
import shutil
import sys
from pathlib import Path

import pytest

from cluster import packages
from cluster.packages import APK, APT, BREW, DNF, NIX, PACMAN, ZYPPER
from cluster.tests import otherlinux
from cluster.tests.commandline import ROOT, helpers

APT_INSTALL = "sudo apt-get update && sudo apt-get install -y --no-install-recommends"
#: Debian's names → the commands, in the order of the managers of Linux
COMMANDS = {
    ("jq",): (
        f"{APT_INSTALL} jq",
        "sudo dnf install -y jq",
        "sudo zypper install -y jq",
        "sudo pacman -S --needed jq",
        "doas apk add jq",
        "nix-shell -p jq",
    ),
    ("gcc", "libc6-dev"): (
        f"{APT_INSTALL} gcc libc6-dev",
        "sudo dnf install -y gcc glibc-devel",
        "sudo zypper install -y gcc glibc-devel",
        "sudo pacman -S --needed gcc",
        "doas apk add gcc musl-dev",
        "nix-shell -p gcc",
    ),
    ("uidmap",): (
        f"{APT_INSTALL} uidmap",
        "sudo dnf install -y shadow-utils",
        "sudo zypper install -y shadow",
        "sudo pacman -S --needed shadow",
        "doas apk add shadow-uidmap",
        "",
    ),
    ("mmdebstrap",): (
        f"{APT_INSTALL} mmdebstrap",
        "sudo dnf install -y podman",
        "sudo zypper install -y podman",
        "sudo pacman -S --needed podman",
        "doas apk add podman",
        "",
    ),
    ("slirp4netns", "squashfs-tools"): (
        f"{APT_INSTALL} slirp4netns squashfs-tools",
        "sudo dnf install -y slirp4netns squashfs-tools",
        "sudo zypper install -y slirp4netns squashfs",
        "sudo pacman -S --needed slirp4netns squashfs-tools",
        "doas apk add slirp4netns squashfs-tools",
        "nix-shell -p slirp4netns squashfsTools",
    ),
    ("firefox-esr", "nodejs"): (
        f"{APT_INSTALL} firefox-esr nodejs",
        "sudo dnf install -y firefox nodejs",
        "sudo zypper install -y MozillaFirefox nodejs-default",
        "sudo pacman -S --needed firefox nodejs",
        "doas apk add firefox-esr nodejs",
        "nix-shell -p firefox-esr nodejs",
    ),
    ("user-mode-linux",): (
        f"{APT_INSTALL} user-mode-linux",
        *[""] * 5,
    ),
}
LINUX = (APT, DNF, ZYPPER, PACMAN, APK, NIX)


@pytest.fixture
def only(tmp_path, monkeypatch):
    """Return what leaves these programs alone on PATH."""

    def only(*programs):
        for name in programs:
            (tmp_path / name).touch(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return only


@pytest.mark.parametrize("used", LINUX)
def test_each_manager_is_asked_in_its_own_words(used, only):
    only(used)
    commands = [row[LINUX.index(used)] for row in COMMANDS.values()]
    assert [packages.command(*names) for names in COMMANDS] == commands


def test_a_distribution_s_own_manager_comes_before_nix(only, monkeypatch):
    only(NIX, BREW, DNF)
    assert packages.manager() == DNF
    monkeypatch.setattr(sys, "platform", "darwin")
    assert packages.install("jq") == "brew install jq"


def test_what_no_manager_has_is_a_sentence(only):
    only(NIX)
    no_package = "No package of nix-shell is known to have it."
    assert packages.install("user-mode-linux") == no_package
    only()
    Path(shutil.which(NIX)).unlink()
    assert packages.manager() == ""
    assert packages.install("gcc", "libc6-dev") == (
        "Install what Debian has in gcc and libc6-dev."
    )


@pytest.mark.parametrize(
    ("used", "release", "known"),
    [
        (APT, {"ID": "debian"}, True),
        (APT, {"ID": "ubuntu", "ID_LIKE": "debian"}, False),
        (APT, {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, False),
        (DNF, {"ID": "fedora"}, False),
        (None, {"ID": "gentoo"}, True),
    ],
)
def test_debian_alone_has_user_mode_linux(only, monkeypatch, used, release, known):
    """Without a manager nobody knows, and the package is named."""
    only(*([used] if used else []))
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    assert packages.has_package("user-mode-linux") is known
    assert packages.has_package("slirp4netns")


@pytest.mark.parametrize(
    ("release", "has_runc"),
    [
        ({"ID": "rhel", "VERSION_ID": "10.0"}, False),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora", "VERSION_ID": "10.1"}, False),
        ({"ID": "centos", "ID_LIKE": "rhel fedora", "VERSION_ID": "10"}, False),
        ({"ID": "almalinux", "ID_LIKE": "rhel centos", "VERSION_ID": "9.6"}, True),
        ({"ID": "fedora", "VERSION_ID": "43"}, True),
        ({"ID": "debian", "VERSION_ID": "13"}, True),
        ({"ID": "arch"}, True),
    ],
)
def test_a_package_that_is_gone_from_rhel_keeps_no_other_from_being_installed(
    only, monkeypatch, release, has_runc
):
    """One unknown name, and dnf installs nothing."""
    only(DNF)
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    assert packages.has_package("runc") is has_runc
    runc = "runc " if has_runc else ""
    assert packages.command("runc", "jq") == f"sudo dnf install -y {runc}jq"
    said = packages.report_missing(MISSING, DNF)
    gone = "No package of dnf is known for: pods with a seccomp profile."
    assert (gone in said) != has_runc


def test_what_a_bare_system_lacks_is_one_list(only, monkeypatch):
    monkeypatch.setattr(packages, "SYSTEM_PATH", "/nowhere")
    only()
    assert packages.missing() == [*packages.PROGRAMS]
    only("curl", "newuidmap")
    assert packages.missing() == ["mmdebstrap", "runc", "nftables", "jq"]


def test_every_package_that_is_asked_for_is_in_the_table():
    paths = [*(ROOT / "cluster").rglob("*.py")]
    ours = "".join(path.read_text() for path in paths if "tests" not in path.parts)
    script = (ROOT / "tools/setup.sh").read_text()
    calls = re.findall(r"\binstall\(([^)]*)\)", ours)
    asked = {name for call in calls for name in re.findall(r"[\"']([\w-]+)", call)}
    listed = re.findall(r"echo ['\"]([\w -]+)\|", script)
    asked |= {name for names in listed for name in names.split()}
    # Debian's manager alone is asked for those: without a Python there is no table.
    asked -= {"python3", "python3-venv"}
    asked |= {*packages.PROGRAMS}
    assert {"nftables", "chromium", "libc6-dev"} <= asked <= {*packages.NAMES}


MISSING = (
    "runc|pods with a seccomp profile",
    "mmdebstrap|the toolbox image",
    "uidmap|pods that run as another user",
    "jq|shell cells",
    "gcc libc6-dev|building runc",
)


@pytest.mark.parametrize(
    ("used", "said"),
    {
        DNF: "going on without runc (pods with a seccomp profile), podman (the toolbox "
        "image), shadow-utils (pods that run as another user), jq (shell cells), "
        "gcc glibc-devel (building runc). "
        "Run: sudo dnf install -y runc podman shadow-utils jq gcc glibc-devel",
        NIX: "going on without runc (pods with a seccomp profile), jq (shell cells), "
        "gcc (building runc). No package of nix-shell is known for: the toolbox image, "
        "pods that run as another user. Run: nix-shell -p runc jq gcc",
        "": "going on without runc (pods with a seccomp profile), mmdebstrap (the "
        "toolbox image), uidmap (pods that run as another user), jq (shell cells), "
        "gcc libc6-dev (building runc). Those are Debian's names of packages.",
    }.items(),
)
def test_setup_says_what_is_missing_by_what_it_is_for(used, said):
    assert packages.report_missing(MISSING, used) == said


def test_the_doctor_of_another_linux_names_no_apt(tmp_path):
    env = {name: str(tmp_path / name) for name in ("LAB_STATE_DIR", "LAB_CACHE_DIR")}
    env |= {"PATH": otherlinux.path(tmp_path / "bin", ZYPPER, lacks=("jq",))}
    done = helpers("doctor", "--json", env={**env, "LAB_ASSETS": ""})
    found = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert found["image"]["level"] == "fatal"
    assert "neither Docker nor Podman answers" in found["image"]["message"]
    assert found["image"]["hint"].startswith("sudo zypper install -y podman, or")
    assert found["jq"]["hint"] == "sudo zypper install -y jq"
    assert "apt-get" not in done.stdout
