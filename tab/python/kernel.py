"""Run the cells of a lesson, with IPython, and report their outputs to the page."""

import ast
import builtins
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

from helpers import shell
from tab.python import absent, forms

#: takes an output: an object of nbformat
Report = Callable[[dict], None]
#: passes of a cell's loops between two looks at the clock
PASSES = 500
#: seconds between two turns of the cluster in such a loop
TURN = 0.1
#: what a loop calls, among the names that all code has
_TURN = "__turn__"


class _Stream:
    """The stream that a cell prints to."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, name: str, report: Report) -> None:
        self.name, self._report = name, report

    def write(self, text: str) -> int:
        if text:
            self._report({"output_type": "stream", "name": self.name, "text": text})
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        """Do nothing: each text is reported at once."""

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("the output of a cell is no file")


class _Display(DisplayPublisher):
    """The display of a cell."""

    report: Report

    def publish(
        self,
        data: dict,
        metadata: dict | None = None,
        *,
        transient: dict | None = None,
        update: bool = False,
        **_: object,
    ) -> None:
        kind = "update_display_data" if update else "display_data"
        self.report(
            {
                "output_type": kind,
                "data": forms.for_page(data),
                "metadata": metadata or {},
                "transient": transient or {},
            }
        )

    def clear_output(self, wait: bool = False) -> None:
        self.report({"output_type": "clear_output", "wait": wait})


class _Result(DisplayHook):
    """The last value of a cell."""

    report: Report

    def write_output_prompt(self) -> None:
        """Write nothing: the page numbers the cells."""

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        self.report(
            {
                "output_type": "execute_result",
                "execution_count": self.prompt_count,
                "data": forms.for_page(format_dict),
                "metadata": md_dict or {},
            }
        )

    def finish_displayhook(self) -> None:
        """Write nothing: each output is whole."""


class Shell(InteractiveShell):
    """IPython, whose programs are those of the cluster's machine."""

    displayhook_class = Type(_Result)
    display_pub_class = Type(_Display)
    #: the tags of the cell that runs, as JupyterLab sends them
    tags: list[str] = []

    def system(self, cmd: str) -> None:
        """Run `!cmd`; keep the exit code."""
        with _start_line(self.var_expand(cmd, depth=1)) as program:
            shell.show_output(program)
        self.user_ns["_exit_code"] = program.returncode

    system_raw = system_piped = system
    ask_exit = absent.ask_exit

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """Return the lines that `x = !cmd` prints."""
        from IPython.utils.text import LSString, SList

        program = _start_line(self.var_expand(cmd, depth=depth + 1))
        text = program.communicate()[0].decode(errors="replace")
        return SList(text.splitlines()) if split else LSString(text)

    def get_parent(self) -> dict:
        """Return the message of a kernel, as far as helpers read it."""
        return {"metadata": {"tags": self.tags}}

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.display_pub.report(
            {
                "output_type": "error",
                "ename": etype.__name__,
                "evalue": str(evalue),
                "traceback": [line for text in stb for line in text.splitlines()],
            }
        )

    def init_history(self) -> None:
        """Keep no history of other days: its database wants a thread."""
        self.config.HistoryManager.enabled = False
        super().init_history()


def _start_line(line: str) -> subprocess.Popen:
    return subprocess.Popen(
        ["bash", "-c", line],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _refuse_input(prompt: object = "") -> str:
    """Raise what a kernel raises whose page has no place for an answer."""
    raise StdinNotImplementedError(f"no answer to {prompt!r}")


class Kernel:
    """The Python of one lesson: its variables, its directory, its outputs."""

    def __init__(self, report: Callable[[str], None], folder: str) -> None:
        """Run in a folder; `report` gets each output, an object of nbformat in JSON."""
        os.makedirs(folder, exist_ok=True)
        os.chdir(folder)
        Shell.clear_instance()
        self._report = report
        self.shell: Shell = Shell.instance()
        for part in (self.shell.display_pub, self.shell.displayhook):
            part.report = self._send
        self.shell.colors = "nocolor"
        # By this, progress knows that it is shown in a notebook.
        self.shell.kernel = self
        setattr(builtins, _TURN, _Turn())
        builtins.input = _refuse_input
        self.shell.ast_transformers.append(_Turns())
        self.shell.run_line_magic("load_ext", "helpers.shell")
        absent.install(self.shell)
        self._failed = False

    def _send(self, output: dict) -> None:
        self._failed = self._failed or output["output_type"] == "error"
        self._report(json.dumps(output, default=str))

    def run(self, source: str, tags: list[str]) -> bool:
        """Run a cell; return whether it has raised nothing."""
        self.shell.tags, self._failed = tags, False
        before: tuple[TextIO, TextIO] = (sys.stdout, sys.stderr)
        streams: Any = [_Stream(name, self._send) for name in ("stdout", "stderr")]
        sys.stdout, sys.stderr = streams
        try:
            self.shell.run_cell(source, store_history=True)
        finally:
            sys.stdout, sys.stderr = before
        # See machine.install: meanwhile, nothing has.
        gc.collect()
        return not self._failed


class _Turns(ast.NodeTransformer):
    """Let the cluster, and the learner's stop, into the loops of a cell's own code.

    Nothing interrupts Python in a tab, and an endless loop would stop the cluster, too.
    Code of libraries is left alone: its loops wait, and a wait can be stopped.
    """

    def visit_For(self, node: ast.For) -> ast.For:
        return self._with_turn(node)

    def visit_While(self, node: ast.While) -> ast.While:
        return self._with_turn(node)

    def _with_turn(self, node: Any) -> Any:
        self.generic_visit(node)
        call = ast.parse(f"{_TURN}()").body[0]
        for part in ast.walk(call):
            ast.copy_location(part, node)
        node.body.insert(0, call)
        return node


class _Turn:
    """Called in each pass of such a loop."""

    def __init__(self) -> None:
        self._count, self._last = 0, time.monotonic()

    def __call__(self) -> None:
        self._count += 1
        if self._count % PASSES == 0 and time.monotonic() > self._last + TURN:
            time.sleep(0)
            self._last = time.monotonic()
