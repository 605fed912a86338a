"""A JupyterLab of its own: a copy of the notebooks, nothing of the learner's, no trace.

It is the real server as `make lab` starts it, with a real kernel behind each notebook.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import requests
from nbformat import v4
from nbformat.sign import NotebookNotary

from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from helpers.course.attempts import SETTING
from tests.notebooks import ROOT

#: Seconds until it listens; about 2, but the first start on a machine compiles Python.
START = 60.0
#: Seconds for it and its kernels to end after SIGTERM.
END = scaled(10.0)


class JupyterLab:
    """A server below `folder`, with its kernels; `url` is where it listens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self._log, self._runtime, self._data = (
            folder / name for name in ("jupyterlab.log", "runtime", "data")
        )
        self.token = secrets.token_urlsafe()
        self.url = ""
        self._process: subprocess.Popen | None = None
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"token {self.token}"

    def start(self, **environment: str) -> "JupyterLab":
        """Start it on a free port and return it when it listens."""
        # A copy: JupyterLab saves what is open, and a test types into it.
        shutil.copytree(
            ROOT / "notebooks",
            self.notebooks,
            ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
            dirs_exist_ok=True,
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                env=self._environment() | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The kernels join this process group, so that none can be left behind.
                start_new_session=True,
            )
        self.url = until(self._listening, START, "JupyterLab listens")
        return self

    def address(self, notebook: str) -> str:
        """Return the URL of a notebook, named without its ending."""
        # `reset`: without the pages of the test before. The token becomes a cookie.
        return f"{self.url}lab/tree/{notebook}.ipynb?reset&token={self.token}"

    def write(self, notebook: str, cells: dict[str, str]) -> None:
        """Write a notebook of code cells, by their ids, beside the others."""
        made = [v4.new_code_cell(text.strip(), id=name) for name, text in cells.items()]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(
            v4.new_notebook(cells=made, metadata={"kernelspec": kernel}),
            self.notebooks / f"{notebook}.ipynb",
        )

    def write_executed(self, notebook: str, content: dict) -> None:
        """Take outputs that another kernel made, as trusted as if they were its own."""
        made = nbformat.from_dict(content)
        NotebookNotary(data_dir=str(self._data)).sign(made)
        nbformat.write(made, self.notebooks / f"{notebook}.ipynb")

    def shut_down_kernels(self) -> None:
        """End every kernel, as *Shut Down All Kernels* does, and wait until all did."""
        kernels = self.kernels()
        for session in self.api("GET", "sessions").json():
            self.api("DELETE", f"sessions/{session['id']}")
        _, alive = psutil.wait_procs(kernels, END)
        assert alive == [], f"kernels that did not end: {alive}"

    def api(self, method: str, path: str) -> requests.Response:
        """Ask its REST API; a code of 400 or above fails the test."""
        reply = self._session.request(method, f"{self.url}api/{path}", timeout=30)
        assert reply.ok, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it; fail if it, or what its kernels started, had to be killed."""
        self._session.close()
        if self._process is None or self._process.returncode is not None:
            return
        processes = self._family()
        self._process.send_signal(number)
        _, alive = psutil.wait_procs(processes, END)
        for process in alive:
            process.kill()
        self._process.wait()
        assert alive == [], f"left by JupyterLab: {alive}\n{self.log()[-2000:]}"

    def kernels(self) -> list[psutil.Process]:
        return self._family()[1:]

    def log(self) -> str:
        return self._log.read_text("utf-8", errors="replace")

    def _command(self) -> list[str]:
        line = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--ip=127.0.0.1",
            "--ServerApp.port=0",
            f"--ServerApp.root_dir={self.notebooks}",
            # As `make lab` does it.
            "--KernelManager.transport_encryption=auto",
            # `window.jupyterapp`: what runs, asked from the application itself.
            "--LabApp.expose_app_in_browser=True",
        ]
        return line if os.getuid() else [*line, "--allow-root"]

    def _environment(self) -> dict[str, str]:
        # Nothing of the person who runs the tests: settings, kernels, open pages. The
        # token is not on the command line, where everybody could read it.
        # What is typed there counts as a learner's own.
        environment = {k: v for k, v in os.environ.items() if k != SETTING}
        return environment | {
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self._data),
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "JUPYTER_TOKEN": self.token,
        }

    def _listening(self) -> str:
        assert self._process.poll() is None, self.log()
        for path in self._runtime.glob("jpserver-*.json"):
            try:
                known = json.loads(path.read_bytes())
            except json.JSONDecodeError:
                return ""  # half written
            # The file may be there a moment before the socket.
            with socket.socket() as client:
                answers = client.connect_ex(("127.0.0.1", known["port"])) == 0
            return known["url"] if answers else ""
        return ""

    def _family(self) -> list[psutil.Process]:
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]
