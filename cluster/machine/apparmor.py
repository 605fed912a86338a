"""Allow user namespaces to these notebooks alone, where AppArmor keeps them from all.

Ubuntu gives a new user namespace no rights unless the profile of its program, attached
by path, has the rule `userns`. The interpreter of a virtual environment is a link to
everybody's, so the profile is for a copy beside it. Only an administrator can load it.
"""

import filecmp
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from string import Template

from cluster import errors

#: where an administrator puts the profile
FILE = Path("/etc/apparmor.d/kubernetes-api-notebooks")
#: have a meaning in a profile's path, even within quotation marks
_SPECIAL = '*?[]{}^"\\'


def program() -> Path:
    """Return the path of the copy, made or not yet made."""
    return Path(sys.prefix).resolve() / "bin" / "python-for-namespaces"


def profile(program: Path) -> str:
    """Return the text of a profile for it, pure; raise LabError for some paths."""
    path = str(program)
    if not path.isprintable() or not {*path}.isdisjoint(_SPECIAL):
        raise errors.LabError(
            f"{path}: AppArmor reads a pattern in this path.",
            f"Move the checkout to a directory without any of {' '.join(_SPECIAL)} in "
            "its name, and run `make setup` there.",
        )
    text = Path(__file__).with_name("config").joinpath("apparmor").read_text()
    return Template(text).substitute(name=FILE.name, program=path)


def command() -> str:
    """Return the command line by which an administrator loads the profile."""
    word = f"{shlex.quote(sys.executable)} -m helpers apparmor"
    return f"{word} | sudo tee {FILE} && sudo apparmor_parser -r {FILE}"


def interpreter() -> str:
    """Return the program that makes namespaces: this one, or a copy for the profile.

    Callers start the copy under our own name, by which Python finds its modules.
    """
    if not FILE.exists():
        return sys.executable
    copy, python = program(), Path(sys.executable).resolve()
    # Without the right to make a copy there is none: the kernel says what it refuses.
    with suppress(OSError):
        if not (copy.exists() and filecmp.cmp(copy, python)):
            # Replaced in one step: a cluster may be running it.
            with tempfile.TemporaryDirectory(dir=copy.parent) as directory:
                new = shutil.copy2(python, Path(directory, copy.name))
                os.replace(new, copy)
        return str(copy)
    return sys.executable
