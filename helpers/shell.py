"""Run shell cells that fail when a command in them fails.

A start-up file adds the cell magic `%%sh` to every kernel of this environment, and
`connect()` to any other. The shell is bash with strict options; a cell needs
`connect()`.
"""

import codecs
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from helpers import command, errors
from helpers.language import mark, say

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

#: Stop at a command that fails, also in a pipe, and at a variable without value.
BASH = "bash -euo pipefail"
#: Merge stderr into stdout: IPython reads them apart, so an error could appear after
#: later output. On the first line, so that bash counts lines as the cell does.
ONE = "exec 2>&1; "
#: bytes that a tab reads at once of what a program writes
CHUNK = 1 << 16


def add_magic() -> None:
    """Add `%%sh` to this notebook; do nothing outside of IPython.

    IPython's own `%%sh` looks at the last command only. The exit code is in
    `_exit_code`, as after `!command`.
    """
    # Not on top: the command line has no use for it, and it takes long to load.
    from IPython import get_ipython

    notebook = get_ipython()
    if notebook is not None:
        load_ipython_extension(notebook)


def load_ipython_extension(notebook: "InteractiveShell") -> None:
    """Add `%%sh` to a kernel, for `%load_ext`; show its errors in short; no editor."""
    # Not on top: the command line has no use for it.
    from helpers import tracebacks

    command.forbid_before_connect()
    os.environ.update(command.no_editor())
    tracebacks.shorten(notebook)
    notebook.magics_manager.register_function(_run(notebook), "cell", "sh")
    if sys.platform == "emscripten":
        _adapt_to_tab(notebook)


def _adapt_to_tab(notebook: "InteractiveShell") -> None:
    """Have those magics that IPython's own way cannot run in a browser's tab."""

    def bash(line: str, cell: str) -> None:
        """Run the cell with bash; fail if its last command does."""
        run_program(f"bash {line}".rstrip(), cell)

    def pip(line: str) -> None:
        """Say why nothing can be installed."""
        text = say("Python in this tab has what the lessons need, and nothing else.")
        raise errors.LabError(text, say("In JupyterLab, `%pip` installs more."))

    notebook.magics_manager.register_function(bash, "cell", "bash")
    notebook.magics_manager.register_function(pip, "line", "pip")


def _run(notebook: "InteractiveShell") -> "Callable[[str, str], None]":
    def sh(line: str, cell: str) -> None:
        """Run the cell with bash; fail when a command in it fails."""
        from subprocess import CalledProcessError

        # The environment's kubeconfig would be used, and its namespace is `default`.
        command.kubeconfig_in_use()
        code = 0
        try:
            # Text that comes from Windows ends its lines in another way.
            script = ONE + cell.replace("\r\n", "\n")
            _run_script(notebook, f"{BASH} {line}".rstrip(), script)
        except CalledProcessError as failed:
            code = failed.returncode
        notebook.user_ns["_exit_code"] = code
        if code == -signal.SIGINT:
            # IPython has passed on the learner's stop, and reports only its effect.
            raise KeyboardInterrupt
        if code:
            command.demand_cluster()
            text = mark("A command of this cell ended with exit code {code}.")
            hint = say("Its output is above; the commands after it did not run.")
            if code == 128 + signal.SIGPIPE:
                why = say("The reader of its pipe, like `head`, had read enough.")
                hint = f"{hint} {why}"
            # `from None`: the message of the other error is the whole script.
            raise errors.LabError(say(text, code=code), hint) from None

    return sh


def _run_script(notebook: "InteractiveShell", line: str, script: str) -> None:
    if sys.platform == "emscripten":
        run_program(line, script)
    else:
        notebook.run_cell_magic("script", line, script)


def run_program(line: str, script: str) -> None:
    """Run a program with a script as its input, in a tab; raise CalledProcessError.

    IPython's own way starts a child of asyncio's, which a tab does not have.
    """
    import subprocess

    pipe = subprocess.PIPE
    with subprocess.Popen(line.split(), stdin=pipe, stdout=pipe) as program:
        given: Any = program.stdin
        given.write(script.encode())
        given.close()
        show_output(program)
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, line)


def show_output(program: "subprocess.Popen") -> None:
    """Print what a program writes as it comes; kill it if the learner stops the cell.

    Bytes that are no UTF-8 become U+FFFD. Its standard output is a pipe.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pipe: Any = program.stdout
    try:
        while data := pipe.read1(CHUNK):
            print(decoder.decode(data), end="")
    except KeyboardInterrupt:
        program.kill()
        raise
