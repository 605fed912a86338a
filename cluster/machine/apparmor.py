"""Allow user namespaces to these notebooks alone, where AppArmor keeps them from all.

Ubuntu gives a new user namespace no rights unless the profile of the program that makes
it has the rule `userns`. A profile is attached to a program by its path, and the
interpreter of a virtual environment is usually a link to everybody's. So the program
that makes namespaces is a copy beside it, and the profile is for that copy. Only an
administrator can load one; nothing here does.
"""

import os
import shlex
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from cluster import errors

#: where an administrator puts the profile, and by what its name is known
FILE = Path("/etc/apparmor.d/kubernetes-api-notebooks")
#: has a meaning in a profile's path, even within quotation marks
_SPECIAL = '*?[]{}^"\\'
_PROFILE = """\
# Let the local cluster of kubernetes-api-notebooks be root of its user namespaces.
# The program is confined no further, as in the profiles that Ubuntu has for browsers.
abi <abi/4.0>,
include <tunables/global>

profile {name} "{program}" flags=(unconfined) {{
  userns,

  include if exists <local/{name}>
}}
"""


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
    return _PROFILE.format(name=FILE.name, program=path)


def command() -> str:
    """Return the command line by which an administrator loads the profile."""
    word = f"{shlex.quote(sys.executable)} -m helpers apparmor"
    return f"{word} | sudo tee {FILE} && sudo apparmor_parser -r {FILE}"


def interpreter() -> str:
    """Return the program that makes namespaces: this one, or the copy of it.

    The copy is used once there is a profile, and made anew after each update of Python.
    What runs it gives it our own name: where its modules are, it knows by that.
    """
    if not FILE.exists():
        return sys.executable
    copy, ours = program(), Path(sys.executable).resolve()
    # Without the right to make one there is none, and the kernel says what it refuses.
    with suppress(OSError):
        if not _same(copy, ours):
            _copy(ours, copy)
        return str(copy)
    return sys.executable


def _same(copy: Path, ours: Path) -> bool:
    with suppress(FileNotFoundError):
        one, other = copy.stat(), ours.stat()
        return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
    return False


def _copy(ours: Path, copy: Path) -> None:
    """Replace the copy in one step: a cluster may be running it."""
    with tempfile.TemporaryDirectory(dir=copy.parent) as directory:
        new = os.path.join(directory, copy.name)
        shutil.copy2(ours, new)
        os.replace(new, copy)
