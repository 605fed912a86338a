"""Run the cells of a lesson, with IPython, and report their outputs to the page."""

import ast
import builtins
import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

from helpers import shell
from tab.python import absent, comms, forms

#: takes an output: an object of nbformat
Report = Callable[[dict], None]
#: characters of a text that a cell prints which are sent at once
PART = 1_000_000
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
        # A page shows little of a long text, and each of its copies takes memory.
        for begin in range(0, len(text), PART):
            part = text[begin : begin + PART]
            self._report({"output_type": "stream", "name": self.name, "text": part})
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
    #: of the cell that runs, as JupyterLab sends them
    tags: list[str] = []
    cell_id = ""

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
        metadata = {"tags": self.tags, "cellId": self.cell_id}
        return {"metadata": metadata, "header": {"msg_id": str(self.execution_count)}}

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
        comms.install()
        self._failed = False
        #: takers of the outputs of a view's message, by the thread that handles it
        self._reports: dict[int, Callable[[str], None]] = {}
        self._streams = _Streams(self._send)

    def _send(self, output: dict) -> None:
        if comms.capture(output):
            return
        text = json.dumps(output, default=str)
        if report := self._reports.get(threading.get_ident()):
            report(text)
            return
        self._failed = self._failed or output["output_type"] == "error"
        self._report(text)

    def run(self, source: str, tags: list[str], cell_id: str = "") -> bool:
        """Run a cell; return whether it has raised nothing."""
        self.shell.tags, self.shell.cell_id, self._failed = tags, cell_id, False
        with self._streams.replaced():
            self.shell.run_cell(source, store_history=True)
        # See machine.install: meanwhile, nothing has.
        gc.collect()
        return not self._failed

    def listen(self, send: Callable[[str], None]) -> None:
        """Send the page all widgets, and their messages from now on."""
        comms.listen(send)

    def receive(self, message: str, report: Callable[[str], None]) -> None:
        """Let a widget have a message of its view; `report` gets what that shows."""
        thread = threading.get_ident()
        self._reports[thread] = report
        try:
            with self._streams.replaced():
                comms.receive(message)
        except KeyboardInterrupt:
            self.shell.showtraceback()
        finally:
            del self._reports[thread]

    def end(self) -> None:
        """Close the views of the lesson."""
        comms.end()


class _Streams:
    """The streams of a cell, and of the message of a view; both may run at once."""

    def __init__(self, report: Report) -> None:
        self._own: Any = [_Stream(name, report) for name in ("stdout", "stderr")]
        self._users = 0
        self._before: tuple[TextIO, TextIO] = (sys.stdout, sys.stderr)

    @contextlib.contextmanager
    def replaced(self) -> Iterator[None]:
        if not self._users:
            self._before = (sys.stdout, sys.stderr)
            sys.stdout, sys.stderr = self._own
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                sys.stdout, sys.stderr = self._before


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
