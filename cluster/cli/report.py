"""Collect diagnostics for a bug report in one file, with secrets redacted."""

import functools
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster import backends, doctor, errors
from cluster.backend import Backend
from cluster.cli.format import status_text
from cluster.image.build import system as distribution
from cluster.progress import Progress
from cluster.secrets import without_secrets
from cluster.statedir import write_private

NAME = "kubernetes-api-notebooks-report.txt"
TITLE = "Report of the Kubernetes API notebooks"
#: lines of each log
END = 50
#: lines of a log in which secrets are looked for: a key is known by its first line
SEARCHED = 1000


def write(directory: Path, progress: Progress) -> Path:
    """Write the report into the directory, 0600; return its path or raise LabError."""
    path = directory / NAME
    sections = [TITLE, time.strftime("%Y-%m-%d %H:%M:%S %z")]
    for title, read in {**SECTIONS, **_logs()}.items():
        progress.update(f"looking at {title}")
        sections += _section(title, read)
    try:
        write_private(path, "\n\n".join(sections) + "\n")
    except OSError as error:
        raise errors.LabError(
            f"{path} cannot be written: {error.strerror}.",
            "Free some space, or run this in a directory that you may write to.",
        ) from None
    return path


def _section(title: str, read: Callable[[], str]) -> list[str]:
    """Return the section, masked; none for a log that no cluster has written yet."""
    try:
        text = read()
    except errors.NotRunning:
        return []
    except errors.LabError as error:
        text = str(error)
    except Exception as error:
        # A section that fails must not hide the others.
        text = f"could not be read: {type(error).__name__}: {error}"
    return [f"=== {title}\n\n{without_secrets(text)}"]


def _versions() -> str:
    packages = {
        f"{package.name} {package.version}"
        for package in importlib.metadata.distributions()
    }
    system = f"system    {distribution()}, {platform.platform()}"
    python = f"Python    {platform.python_version()} ({sys.executable})"
    return "\n".join([system, python, *sorted(packages, key=str.lower)])


def _settings() -> str:
    settings = sorted(item for item in os.environ.items() if item[0].startswith("LAB_"))
    return "\n".join(f"{name}={value}" for name, value in settings) or "none"


def _status() -> str:
    return status_text(backends.kept_backend().full_status(), time.time())


SECTIONS: dict[str, Callable[[], str]] = {
    "versions": _versions,
    "settings": _settings,
    "doctor": lambda: doctor.report(doctor.examine()),
    "status": _status,
}


def _logs() -> dict[str, Callable[[], str]]:
    """Return a section for each component that has a log."""
    try:
        backend = backends.kept_backend()
    except Exception:
        return {}  # `status` asks for the same, and says what is wrong
    return {
        f"log of {name}": functools.partial(_end, backend, name)
        for name in backend.logs
    }


def _end(backend: Backend, component: str) -> str:
    # Masked before it is cut: the first line of a key may be further above.
    lines = without_secrets(backend.log(component, SEARCHED)).splitlines()
    return "\n".join(lines[-END:])
