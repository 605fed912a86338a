"""Say last in a start of JupyterLab where it is and how to end it.

An extension of Jupyter Server, which chooses the port: `lab.command` names it. The
lines that Jupyter would write below do not concern a learner, and are kept away.
"""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.errors import with_commands
from cluster.language import lessons_language, say, speak
from helpers.course.export import paths

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from nbformat.sign import NotebookNotary


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: "ServerApp") -> None:
    """Tell it when the server runs, instead of Jupyter's own words.

    In the language of the lessons that were opened; kernels are processes of their own.
    """
    speak(lessons_language(os.environ))
    provider = server.identity_provider
    # Read first: reading is what generates it.
    generated = bool(provider.token) and provider.token_generated
    # By this Jupyter decides whether to print three addresses.
    provider.token_generated = False

    sign_lessons(Path(server.root_dir), server.contents_manager.notary)
    logging.getLogger("tornado.general").addFilter(_is_of_use)

    def tell() -> None:
        provider.token_generated = generated
        sys.stderr.write(words(server.local_url))

    server.io_loop.add_callback(tell)


def sign_lessons(directory: Path, notary: "NotebookNotary") -> None:
    """Sign the lessons of the course below a directory that have no outputs.

    The same as `jupyter trust`. In a notebook without outputs there is nothing that
    trust would let run, and without a signature each lesson is called *not trusted*.
    """
    from nbformat import reader

    for path in paths():
        file = directory / path
        try:
            notebook = reader.reads(file.read_text("utf-8"))
            cells = notebook["cells"]
        except (OSError, ValueError, LookupError):
            continue  # not a lesson, or none that can be read
        if not any(cell.get("outputs") for cell in cells):
            notary.sign(notebook)


def _is_of_use(record: logging.LogRecord) -> bool:
    """Return whether a warning of Tornado concerns anybody.

    It takes Jupyter's milliseconds between pings for seconds, finds them too many, and
    uses others.
    """
    return "websocket_ping_timeout" not in record.getMessage()


def words(url: str) -> str:
    """Return what a learner sees last."""
    end = say("Ctrl-C, and then y, ends it. The cluster runs on until you stop it:")
    return with_commands(f"\nJupyterLab: {url}\n{end}\n  .venv/bin/kapi stop\n")
