"""Say which version of these notebooks this is, and where its release would be.

Nobody is asked; a copy that is from nowhere on GitHub has no release.
"""

import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from cluster.errors import INSTALLED, PROGRAM
from cluster.processes import PACKAGES

_PROJECT = Path(PACKAGES, "pyproject.toml")
_GITHUB = re.compile(r"(?:^|[/@])github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def version() -> str:
    """Return the version of these notebooks, "" of a part, as in a build's image."""
    if INSTALLED:
        return metadata.version(PROGRAM)
    text = _PROJECT.read_text("utf-8") if _PROJECT.exists() else 'version = ""'
    return re.findall(r'^version = "(.*)"', text, re.MULTILINE)[0]


def address(file: str) -> str:
    """Return the address of a file in the release of this version, or ""."""
    repository, number = _repository(), version()
    if not (repository and number):
        return ""
    return f"https://github.com/{repository}/releases/download/v{number}/{file}"


def _repository() -> str:
    """Return OWNER/NAME on GitHub, of the checkout or else of the package, or ""."""
    for link in (_origin(), *_addresses()):
        if match := _GITHUB.search(link):
            return match[1]
    return ""


def _origin() -> str:
    # A package may be installed below a checkout of something else.
    if not (Path(PACKAGES, ".git").exists() and shutil.which("git")):
        return ""
    command = ["git", "-C", PACKAGES, "remote", "get-url", "origin"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _addresses() -> list[str]:
    """Return the addresses that the package's metadata name."""
    try:
        lines = metadata.metadata(PROGRAM).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return []
    return [line.partition(",")[2].strip() for line in lines]
