"""Say last in a start of JupyterLab where it is and how to end it.

An extension of Jupyter Server, which chooses the port: `lab.command` names it.
"""

import os
import sys
from typing import TYPE_CHECKING

from cluster.errors import with_commands
from cluster.language import lessons_language, say, speak

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: "ServerApp") -> None:
    """Tell it when the server runs, in the place of Jupyter's own words.

    In the language of the lessons that were opened; kernels are processes of their own.
    """
    speak(lessons_language(os.environ))
    provider = server.identity_provider
    # Read first: reading is what generates it.
    generated = bool(provider.token) and provider.token_generated
    # By this Jupyter decides whether to print three addresses.
    provider.token_generated = False

    def tell() -> None:
        provider.token_generated = generated
        sys.stderr.write(words(server.local_url))

    server.io_loop.add_callback(tell)


def words(url: str) -> str:
    """Return what a learner sees last."""
    end = say("Ctrl-C, and then y, ends it. The cluster runs on until you stop it:")
    return with_commands(f"\nJupyterLab: {url}\n{end}\n  .venv/bin/kapi stop\n")
