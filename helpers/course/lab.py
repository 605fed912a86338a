"""Open JupyterLab on the lessons, for `make lab` and for the installed program."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cluster.errors import INSTALLED, PROGRAM
from cluster.language import lessons_language, say
from helpers.course import copies
from helpers.course.export import NOTEBOOKS

if TYPE_CHECKING:
    from cluster.backend import Backend

_FIRST = "00-start-here.ipynb"
#: for Jupyter's configuration path: the menus of JupyterLab in Korean
_KOREAN = Path(__file__).parents[1] / "data" / "ko"


def lessons_here() -> Path:
    """Return the directory of the lessons, seen from here; raise LabError.

    It is a checkout's own. An installed program has a copy made, or brought up to date.
    """
    if not INSTALLED:
        return Path(os.path.relpath(NOTEBOOKS))
    # To start it in the copy is to mean this one.
    directory = Path() if Path(copies.SUMS).exists() else Path(PROGRAM)
    for line in copies.refresh(NOTEBOOKS, directory):
        click.echo(line, err=True)
    place = directory.absolute()
    click.echo(say("the lessons are in {place}", place=place), err=True)
    return directory


def environment(cluster: "Backend") -> dict[str, str]:
    """Return the environment of JupyterLab, whose terminals know kubectl and us.

    Its menus are in the language of the lessons.
    """
    # The Python of uvx, pipx or .venv is in no PATH.
    scripts = Path(sys.executable).parent
    places = [str(place) for place in (cluster.binaries(), scripts) if place]
    path = os.pathsep.join([*places, os.environ.get("PATH", os.defpath)])
    env = {**os.environ, "PATH": path, "KUBECONFIG": str(cluster.kubeconfig)}
    return korean_environment(env) if lessons_language(env) == "ko" else env


def korean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which JupyterLab speaks Korean until told otherwise."""
    before = filter(None, [env.get("JUPYTER_CONFIG_PATH")])
    return {**env, "JUPYTER_CONFIG_PATH": os.pathsep.join([str(_KOREAN), *before])}


def command(
    directory: Path, options: Sequence[str], env: Mapping[str, str]
) -> list[str]:
    """Return the command line that opens the first lesson; add a learner's options."""
    # In the language of LAB_LANG or of the system, if it is there.
    spoken = Path(lessons_language(env), _FIRST)
    page = spoken if (directory / spoken).exists() else Path(_FIRST)
    # Without what is in the current directory: a learner's random.py is not Python's.
    words = [sys.executable, "-P", "-m", "jupyterlab", "--ip=127.0.0.1"]
    # Jupyter wants to be told that root is meant; it listens only on 127.0.0.1.
    if os.geteuid() == 0:
        words.append("--allow-root")
    # Without a screen Python would open a text browser over the address to click.
    if not any(map(env.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))):
        words.append("--no-browser")
    # The notebook at the end is what a browser is opened with, and this is what the
    # printed address leads to. It would lead nowhere below another root than the one
    # named here, and Jupyter takes no option twice.
    if not any(name in word for word in options for name in ("dir", "default_url")):
        words.append(f"--ServerApp.root_dir={directory}")
        words.append(f"--LabApp.default_url=/lab/tree/{page.as_posix()}")
    # Kernels listen on ports of 127.0.0.1, where any user may read along.
    words.append("--KernelManager.transport_encryption=auto")
    # The settings are for JupyterLab's terminals. Without a name for their shell, it is
    # a login shell where the output goes to a file or a pipe, and /etc/profile sets
    # another PATH.
    shell = env.get("SHELL") or "sh"
    words.append(f"--ServerApp.terminado_settings=shell_command={shell}")
    # The last words on the screen are the address. 20 language servers are looked for,
    # and none of them is here.
    words.append("--ServerApp.jpserver_extensions=helpers.course.address=True")
    words.append("--LanguageServerManager.autodetect=False")
    if not any("--debug" in word or "log" in word for word in options):
        words.append("--Application.log_level=WARN")
    return [*words, *options, str(directory / page)]
