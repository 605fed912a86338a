"""Say in a sentence which parts of IPython a tab does not have."""

import shutil
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from helpers import errors, shell
from helpers.language import say

#: cells that IPython gives to a program of this name
PROGRAMS = ("perl", "pypy", "python", "python2", "python3", "ruby")


class NoModule(errors.LabError, ModuleNotFoundError):
    """A module that is not here, and cannot be installed."""


def install(notebook: InteractiveShell) -> None:
    """Have sentences where IPython would fail, or do nothing."""
    notebook.set_custom_exc((ModuleNotFoundError,), _explain)
    notebook.set_hook("show_in_pager", _print, 99)
    for name in PROGRAMS:
        magic = _run_program(name)
        notebook.magics_manager.register_function(magic, "cell", name)
    notebook.magics_manager.register_function(_run_program(""), "cell", "script")


def ask_exit(_: InteractiveShell) -> None:
    """Answer `exit()` and `quit()`."""
    print(say("Python goes on: it ends with this page, or with a new cluster."))


def _run_program(program: str) -> Callable[[str, str], None]:
    def run(line: str, cell: str) -> None:
        """Give the cell to a program; raise LabError without it."""
        words = f"{program} {line}".split()
        if not words or not shutil.which(words[0]):
            name = next(iter(words), "")
            text = say("There is no program `{name}` in this tab.", name=name)
            raise errors.LabError(text, say("JupyterLab runs such a cell."))
        shell.run_program(" ".join(words), cell)

    return run


def _print(_: object, text: Any, *__: object, **___: object) -> None:
    """Print what a terminal would show page by page, such as `len?`."""
    print(text["text/plain"] if isinstance(text, dict) else text)


def _explain(
    notebook: Any, kind: type, error: ModuleNotFoundError, trace: Any, **_: Any
) -> None:
    """Show an import that fails: nothing can be installed."""
    name = (error.name or "").partition(".")[0]
    if name in sys.modules or not name:
        notebook.showtraceback((kind, error, trace))
        return
    text = say("There is no module `{name}` here.", name=name)
    has = say("Python in this tab has what the lessons need, and nothing else.")
    missing = NoModule(f"{text} {has}", say("In JupyterLab, `%pip` installs more."))
    notebook.showtraceback((type(missing), missing, None))
