"""Name the command that installs what is missing, by the package manager that is here.

Packages are asked for by their names in Debian. `python -m cluster.packages` is for
tools/setup.sh, which knows no other names.
"""

import platform
import shutil
import sys
from collections.abc import Iterable

from cluster.language import mark, say

APT, DNF, ZYPPER, PACMAN = "apt-get", "dnf", "zypper", "pacman"
APK, NIX, BREW = "apk", "nix-shell", "brew"
#: the command that installs, in the order of the search: Nix is also a second manager
MANAGERS = {
    APT: "sudo apt-get install -y --no-install-recommends",
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


def manager() -> str:
    """Return the package manager of this machine, or ""."""
    if sys.platform == "darwin":
        return BREW
    return next((name for name in MANAGERS if shutil.which(name)), "")


def has_package(package: str) -> bool:
    """Say whether this system has a package of what Debian calls `package`."""
    if package in NOT_IN_UBUNTU and _is_ubuntu():
        return False
    return NAMES.get(package, {}).get(manager(), package) is not None


def _is_ubuntu() -> bool:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    return "ubuntu" in (release["ID"], *release.get("ID_LIKE", "").split())


def names(packages: Iterable[str], used: str) -> list[str]:
    """Return what a manager calls these packages, as far as it has them; pure."""
    their_names = (NAMES.get(package, {}).get(used, package) for package in packages)
    return [name for name in their_names if name]


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
    """Say what a machine goes on without, and what installs it; pure.

    A line is names of packages, "|" and what these are for. `used` is the manager.
    """
    rows = [line.partition("|") for line in lines]
    needs = [(names(packages.split(), used), purpose) for packages, _, purpose in rows]
    lacks = [f"{' '.join(have)} ({purpose})" for have, purpose in needs if have]
    without = [purpose for have, purpose in needs if not have]
    sentences = [f"going on without {', '.join(lacks)}."] if lacks else []
    if without:
        sentences.append(f"No package of {used} is known for: {', '.join(without)}.")
    if run := _command(used, [name for have, _ in needs for name in have]):
        sentences.append(f"Run: {run}")
    elif lacks:
        sentences.append("Those are Debian's names of packages.")
    return " ".join(sentences)


if __name__ == "__main__":
    print(report_missing(sys.stdin.read().splitlines(), manager()))
