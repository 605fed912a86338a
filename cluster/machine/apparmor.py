"""Allow user namespaces only to these notebooks, where AppArmor keeps them from all.

Ubuntu gives a new user namespace no rights unless the profile of its program, attached
by path, has the rule `userns`. The interpreter of a virtual environment is a link to
everybody's, so the profile is for a copy beside it. Only an administrator can load it;
where the environment is root's, as for a class, only root can make the copy.
"""

import filecmp
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from string import Template

from cluster import errors
from cluster.errors import SHORT
from cluster.language import mark, say
from cluster.processes import SYSTEM_PATH

#: where an administrator puts the profile
FILE = Path("/etc/apparmor.d/kubernetes-api-notebooks")
#: of Ubuntu's kernel: 1 restricts every program without a profile, except root's
SETTING = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
#: have a meaning in a profile's path, even within quotation marks
_SPECIAL = '*?[]{}^"\\'
_PARSER = "apparmor_parser"


def is_restricted() -> bool:
    """Return whether programs of ordinary accounts need a profile here."""
    with suppress(OSError):
        return SETTING.read_text().strip() == "1"
    return False


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
    """Return the command line by which an administrator loads the profile.

    Root runs nothing of an ordinary account, only the output of a program of it. Where
    the environment is root's, root's own command also makes the copy.
    """
    if os.geteuid() == 0 or not os.access(program().parent, os.W_OK):
        sudo = "sudo " if os.geteuid() else ""
        return f"{sudo}{shlex.quote(str(_kapi()))} apparmor --write"
    word = f"{shlex.quote(sys.executable)} -m helpers apparmor"
    return f"{word} | sudo tee {FILE} && sudo {_PARSER} -r {FILE}"


def _kapi() -> Path:
    # Not `python -m helpers`, which looks for modules in root's current directory.
    return Path(sys.executable).with_name(SHORT)


def hook() -> str:
    """Return the line of apt's configuration that makes the copy after each update.

    `install` writes a new file: a cluster may be running the old one.
    """
    copy, python = map(shlex.quote, (str(program()), os.path.realpath(sys.executable)))
    new = f"cmp -s {python} {copy} || install -p -m 755 {python} {copy}"
    return f'DPkg::Post-Invoke {{"[ ! -e {copy} ] || {new}";}};'


def interpreter() -> str:
    """Return the program that makes namespaces: this one, or a copy for the profile.

    Callers start the copy under our own name, by which Python finds its modules.
    """
    if FILE.exists():
        # Without the right to make a copy there is none: `copy_problem` has a sentence.
        with suppress(OSError):
            return str(make_copy())
    return sys.executable


def make_copy() -> Path:
    """Return the copy; make it, or make it anew after an update; raise OSError."""
    copy, python = program(), Path(sys.executable).resolve()
    if not _is_copy(copy, python):
        # Replaced in one step: a cluster may be running it.
        with tempfile.TemporaryDirectory(dir=copy.parent) as directory:
            new = shutil.copy2(python, Path(directory, copy.name))
            os.replace(new, copy)
    return copy


def _is_copy(copy: Path, python: Path) -> bool:
    return copy.exists() and filecmp.cmp(copy, python)


def copy_problem() -> str:
    """Return a sentence on a copy that this account lacks and cannot make, or ""."""
    copy, python = program(), Path(sys.executable).resolve()
    if not FILE.exists() or _is_copy(copy, python) or os.access(copy.parent, os.W_OK):
        return ""
    missing = mark(
        "{copy}, the copy of Python that AppArmor's profile is for, is missing."
    )
    older = mark(
        "{copy} is older than {python}: the copy of Python that AppArmor's profile is "
        "for has to be made anew after each update."
    )
    return say(older if copy.exists() else missing, copy=copy, python=python)


def has_profile() -> bool:
    """Return whether FILE is the profile of this environment."""
    with suppress(OSError):
        return f'"{program()}"' in FILE.read_text()
    return False


def is_roots_task() -> bool:
    """Return whether this is root of a machine that restricts all other accounts.

    A container sees the setting of its host, and has no program that loads a profile.
    """
    return os.geteuid() == 0 and is_restricted() and _parser() is not None


def task() -> str:
    """Return what root has left undone for other accounts, a clause, or ""."""
    if not is_roots_task():
        return ""
    if not has_profile():
        return "no profile of AppArmor allows it"
    current = _is_copy(program(), Path(sys.executable).resolve())
    return "" if current else "the copy of Python of the profile is not today's Python"


def _parser() -> str | None:
    return shutil.which(_PARSER, path=SYSTEM_PATH)


def load() -> None:
    """Make the copy, load the profile, and keep it for each boot; raise LabError."""
    if os.geteuid():
        raise errors.LabError(
            "Only root can load a profile of AppArmor.", f"Run: {command()}"
        )
    text, parser = profile(program()), _parser()
    if not parser:
        raise errors.LabError(
            f"{_PARSER} is not installed, which loads a profile of AppArmor.",
            "Without it AppArmor restricts nothing here, and no profile is needed.",
        )
    try:
        make_copy()
        # Read from its standard input: a profile that fails is not kept.
        done = subprocess.run(
            [parser, "--replace"], input=text, capture_output=True, text=True
        )
        if done.returncode == 0:
            FILE.write_text(text)
            FILE.chmod(0o644)
            return
    except OSError as error:
        message = f"{error.filename}: {error.strerror}."
        raise errors.LabError(message, "Nothing was loaded.") from error
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    raise errors.LabError(
        f"The profile was not loaded: {last}.",
        "User namespaces need AppArmor 4, as Ubuntu has it since 24.04.",
    )
