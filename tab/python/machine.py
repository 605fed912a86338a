"""Make Python a part of the cluster's machine: call `install` before any other import.

Where a module of Python's cannot work in a browser, a module here does, by the
cluster's program. Modules that Pyodide lacks altogether are in `stand_ins`.
"""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tab.python import clock, doors, nesting, processes, sockets, threads, tls

STAND_INS = Path(__file__).with_name("stand_ins")
#: the learner's files and kubeconfig: in the tree that the cluster's programs see, too
HOME = "/root"
#: Python's own directory, which the cluster's programs do not see
PROGRAMS = Path("/usr/local/bin")
VARIABLES = {
    "HOME": HOME,
    "USER": "root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LAB_STATE_DIR": f"{HOME}/lab",
    "LAB_CACHE_DIR": f"{HOME}/lab/cache",
    # A page is the only one that shows a widget: it knows what it has sent.
    "JUPYTER_WIDGETS_ECHO": "0",
}


def install() -> None:
    """Let sockets, TLS, programs and sleep be those of the cluster's machine."""
    # A collection that begins by itself walks the frames of calls that wait, some of
    # which are gone: Python dies (https://github.com/pyodide/pyodide/issues/6464). The
    # kernel collects after each cell instead, and what it calls walks none of them.
    gc.disable()
    sys.path.append(str(STAND_INS))
    os.environ.update(VARIABLES)
    _be_root()
    for part in (clock, nesting, sockets, tls, processes, threads):
        part.install()
    _name_programs()
    # With it, urllib3 would send requests by fetch(), which knows neither our
    # authorities nor client certificates, and none of the cluster's addresses.
    with _platform("linux"):
        import urllib3.util.ssl_  # noqa: F401 its import decides


def _be_root() -> None:
    module: Any = os
    for name in ("geteuid", "getegid"):
        setattr(module, name, lambda: 0)
    module.getgroups = lambda: [0]


def _name_programs() -> None:
    """Put a file where a program seems to be: many look for it before they run it."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    for name in doors.call("programs"):
        file = PROGRAMS / name
        file.write_text("a program of the cluster's machine")
        file.chmod(0o755)


@contextlib.contextmanager
def _platform(name: str) -> Iterator[None]:
    before, sys.platform = sys.platform, name
    try:
        yield
    finally:
        sys.platform = before
