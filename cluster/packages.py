"""Name the command that installs what is missing, by the package manager that is here.

Packages are asked for by their names in Debian. `python -m cluster.packages` is for
tools/setup.sh, which knows no other names.
"""

import os
import platform
import shutil
import sys
from collections.abc import Iterable

from cluster.language import lessons_language, mark, say, speak
from cluster.processes import SYSTEM_PATH

APT, DNF, ZYPPER, PACMAN = "apt-get", "dnf", "zypper", "pacman"
APK, NIX, BREW = "apk", "nix-shell", "brew"
#: the command that installs, in the order of the search: Nix is also a second manager
MANAGERS = {
    # A fresh system has no lists of packages, and an old one has those of packages that
    # are gone.
    APT: "sudo apt-get update && sudo apt-get install -y --no-install-recommends",
    DNF: "sudo dnf install -y",
    ZYPPER: "sudo zypper install -y",
    PACMAN: "sudo pacman -S --needed",
    APK: "doas apk add",
    NIX: "nix-shell -p",
    BREW: "brew install",
}
#: Debian's name → the manager's, where it is another: "" where gcc brings the same,
#: None where there is no such package
NAMES: dict[str, dict[str, str | None]] = {
    "ca-certificates": {NIX: "cacert"},
    "chromium": {},
    "cpio": {},
    "curl": {},
    "e2fsprogs": {},
    "firefox-esr": {DNF: "firefox", ZYPPER: "MozillaFirefox", PACMAN: "firefox"},
    "fontconfig": {},
    "fonts-dejavu-core": {
        DNF: "dejavu-sans-fonts",
        ZYPPER: "dejavu-fonts",
        PACMAN: "ttf-dejavu",
        APK: "font-dejavu",
        NIX: None,
    },
    "fonts-nanum": {
        DNF: "google-noto-sans-cjk-fonts",
        ZYPPER: "google-noto-sans-cjk-fonts",
        PACMAN: "noto-fonts-cjk",
        APK: "font-noto-cjk",
        NIX: None,
    },
    "gcc": {},
    "jq": {},
    "kmod": {},
    "libc6-dev": {
        DNF: "glibc-devel",
        ZYPPER: "glibc-devel",
        PACMAN: "",
        APK: "musl-dev",
        NIX: "",
    },
    # mmdebstrap needs apt and Debian's keys; an engine runs it in a container.
    "mmdebstrap": dict.fromkeys((DNF, ZYPPER, PACMAN, APK), "podman") | {NIX: None},
    "nftables": {},
    "nodejs": {ZYPPER: "nodejs-default"},
    "npm": {DNF: "nodejs-npm", ZYPPER: "npm-default"},
    "openssh-client": {
        DNF: "openssh-clients",
        ZYPPER: "openssh-clients",
        PACMAN: "openssh",
        NIX: "openssh",
    },
    "qemu-system-arm": {
        DNF: "qemu-system-aarch64",
        ZYPPER: "qemu-arm",
        PACMAN: "qemu-system-aarch64",
        APK: "qemu-system-aarch64",
        NIX: "qemu",
    },
    "qemu-user": {ZYPPER: "qemu-linux-user", APK: "qemu-aarch64", NIX: "qemu"},
    "runc": {},
    "slirp4netns": {},
    "squashfs-tools": {ZYPPER: "squashfs", NIX: "squashfsTools"},
    # Nix gives no program the set-uid bit; NixOS itself has newuidmap.
    "uidmap": {
        DNF: "shadow-utils",
        ZYPPER: "shadow",
        PACMAN: "shadow",
        APK: "shadow-uidmap",
        NIX: None,
    },
    "user-mode-linux": dict.fromkeys((DNF, ZYPPER, PACMAN, APK, NIX)),
}
#: packages of Debian that Ubuntu and its derivatives lack
NOT_IN_UBUNTU = ("firefox-esr", "user-mode-linux")
#: what RHEL and its derivatives have no more, and the first version without it; one
#: unknown name, and dnf installs none of the others
GONE_FROM_RHEL = {"runc": 10}
#: what a cluster uses that was not made for it elsewhere, and a program of each
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "runc": "runc",
    "nftables": "nft",
    "uidmap": "newuidmap",
    "curl": "curl",
    "jq": "jq",
}


def manager() -> str:
    """Return the package manager of this machine, or ""."""
    if sys.platform == "darwin":
        return BREW
    return next((name for name in MANAGERS if shutil.which(name)), "")


def has_package(package: str) -> bool:
    """Return whether this system has a package of what Debian calls `package`."""
    if _is_gone(package):
        return False
    if package in NOT_IN_UBUNTU and _is_ubuntu():
        return False
    return NAMES.get(package, {}).get(manager(), package) is not None


def _is_ubuntu() -> bool:
    return _release("ubuntu") is not None


def _release(family: str) -> dict[str, str] | None:
    """Return the os-release of a distribution of this family, or None of another."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return None
    ids = (release["ID"], *release.get("ID_LIKE", "").split())
    return release if family in ids else None


def _is_gone(package: str) -> bool:
    release = _release("rhel") if package in GONE_FROM_RHEL else None
    major = (release or {}).get("VERSION_ID", "0").partition(".")[0]
    return major.isdecimal() and int(major) >= GONE_FROM_RHEL.get(package, sys.maxsize)


def names(packages: Iterable[str], used: str) -> list[str]:
    """Return what a manager calls these packages, as far as it has them."""
    known = (package for package in packages if not _is_gone(package))
    their_names = (NAMES.get(package, {}).get(used, package) for package in known)
    return [name for name in their_names if name]


def missing() -> list[str]:
    """Return the packages of PROGRAMS that are not installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), SYSTEM_PATH])
    return [
        package
        for package, program in PROGRAMS.items()
        if not shutil.which(program, path=path)
    ]


def command(*packages: str) -> str:
    """Return the command that installs packages, or "" where there is none."""
    used = manager()
    return _command(used, names(packages, used))


def _command(used: str, packages: list[str]) -> str:
    once = dict.fromkeys(packages)
    return f"{MANAGERS[used]} {' '.join(once)}" if used and packages else ""


def install(*packages: str) -> str:
    """Return the way out that installs packages: a command, or else a sentence."""
    used = manager()
    if used:
        text = mark("No package of {manager} is known to have it.")
        return command(*packages) or say(text, manager=used)
    text = mark("Install what Debian has in {packages}.")
    return say(text, packages=" and ".join(packages))


def report_missing(lines: Iterable[str], used: str) -> str:
    """Say what a machine goes on without, and what installs it.

    A line is names of packages, "|" and what these are for. `used` is the manager.
    """
    rows = [line.partition("|") for line in lines]
    needs = [(names(packages.split(), used), purpose) for packages, _, purpose in rows]
    lacks = [f"{' '.join(have)} ({purpose})" for have, purpose in needs if have]
    without = [purpose for have, purpose in needs if not have]
    sentences = []
    if lacks:
        text = mark("going on without {packages}.")
        sentences.append(say(text, packages=", ".join(lacks)))
    if without:
        text = mark("No package of {manager} is known for: {purposes}.")
        sentences.append(say(text, manager=used, purposes=", ".join(without)))
    if run := _command(used, [name for have, _ in needs for name in have]):
        sentences.append(say("Run: {command}", command=run))
    elif lacks:
        sentences.append(say("Those are Debian's names of packages."))
    return " ".join(sentences)


if __name__ == "__main__":
    speak(lessons_language(os.environ))
    print(report_missing(sys.stdin.read().splitlines(), manager()))
