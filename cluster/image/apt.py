"""Choose what of this machine's apt configuration serves to fetch the image's packages.

Pure: texts of `apt-get indextargets`, `apt-config dump` and os-release in, lines for
another apt out. The image is made from the same mirrors as the machine itself, which
work behind the same proxy and on the same frozen or local mirror.
"""

import re
from dataclasses import dataclass

#: How `apt-get indextargets` is asked; `sources` reads the answer.
TARGET_FORMAT = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"

_SUITE_NAMES = ("UBUNTU_CODENAME", "DEBIAN_CODENAME", "VERSION_CODENAME")
_FETCHING = re.compile(
    r'Acquire::(https?::.+|ftp::.+|Check-[\w-]+|Retries|ForceIPv\d) ".+";'
)


@dataclass(frozen=True)
class Sources:
    """Where packages come from: a suite, and lines for apt (none: its default)."""

    suite: str
    lines: tuple[str, ...] = ()


def sources(targets: str, os_release: dict[str, str]) -> Sources:
    """Choose the distribution's own sources among those of the machine.

    Sources of others (browsers, editors, drivers) are left out: nothing is needed
    from them and their keys may be missing. NB apt can also tell which source is
    trusted; that is the outcome of a check, and to hand it on as an option would
    switch the check off.
    """
    suite = next((os_release[name] for name in _SUITE_NAMES if name in os_release), "")
    own = {suite, f"{suite}-updates", f"{suite}-security", f"{suite}/updates"}
    rows = [line.split("|") for line in targets.splitlines() if line.count("|") == 3]
    chosen = [row for row in rows if suite and row[1] in own]
    if not chosen:
        # Unstable has the next release's codename, which its sources do not use.
        chosen = rows
        suite = rows[0][1] if rows else suite or "stable"
    return Sources(suite, tuple(dict.fromkeys(map(_line, chosen))))


def _line(row: list[str]) -> str:
    uri, suite, component, keyring = row
    # A variable without a value stays as it is; a key written out has many lines.
    option = f"[signed-by={keyring}] " if keyring.startswith("/") else ""
    return f"deb {option}{uri} {suite} {component}"


def options(dump: str) -> str:
    """Choose from `apt-config dump` what a proxy, own CA or frozen mirror needs."""
    lines = [line for line in dump.splitlines() if _FETCHING.fullmatch(line)]
    return "".join(f"{line}\n" for line in lines)
