"""Let the browser of the machine around a container in, at http://127.0.0.1:8888.

The command line of Jupyter can say otherwise, as Binder does. The token
stays.

A volume at ~/work, or a hub's at ~, keeps a learner's lessons, progress and own files.
The cluster is not in it: each container has its own.
"""

import os
import re
import sys
from pathlib import Path

from cluster.language import lessons_language

c = get_config()  # noqa: F821

# Not the loopback device: the host's port leads to the container's address.
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.port = 8888
c.ServerApp.open_browser = False
# In Korean with `docker run -e LAB_LANG=ko`.
spoken = ""
if lessons_language(os.environ) == "ko":
    from helpers.course.lab import korean_environment

    spoken = "ko/"
    os.environ.update(korean_environment(os.environ))
c.LabApp.default_url = f"/lab/tree/notebooks/{spoken}00-start-here.ipynb"
# The server of a hub asks for its page by another name; a teacher's choice comes first.
if "JUPYTERHUB_USER" in os.environ:
    asked = os.environ.get("JUPYTERHUB_DEFAULT_URL")
    c.ServerApp.default_url = asked or c.LabApp.default_url
# Its terminals know kubectl and the cluster, as those of `make lab` do.
SHELL = 'eval "$(python -m helpers up)"; exec bash'
c.ServerApp.terminado_settings = {"shell_command": ["bash", "-c", SHELL]}

# Not what is in the image: a container that is removed takes that with it.
work = Path.home() / "work"


def keep(work: Path) -> None:
    """Bring the lessons of this image to a directory, and note the progress there.

    Raise LabError or OSError if nothing can be written to it.
    """
    from cluster.permissions import make_private
    from helpers.course import attempts, copies, export

    work.mkdir(exist_ok=True)
    for line in copies.refresh(export.NOTEBOOKS, work / "notebooks"):
        print(line, file=sys.stderr)
    noted, kept = attempts.file(), work / f".{attempts.file().name}"
    make_private(noted.parent)
    if not noted.exists():
        noted.unlink(missing_ok=True)
        noted.symlink_to(kept)


if work.is_mount() or work.parent.is_mount():
    from helpers.errors import LabError

    try:
        keep(work)
    except LabError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        rights = f"The volume must be writable for uid {os.getuid()} or its groups."
        sys.exit(f"error: {error.filename}: {error.strerror}.\n{rights}")
    c.ServerApp.root_dir = str(work)

# GitHub hands port 8888 of a codespace on from https://NAME-8888.app.github.dev. The
# browser names that address as the origin of its websockets, and Jupyter, which was
# asked for localhost, answers 403. Only this codespace's own addresses are let in.
name = os.environ.get("CODESPACE_NAME")
if name:
    domain = os.environ.get(
        "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev"
    )
    origin = rf"https://{re.escape(name.lower())}-\d+\.{re.escape(domain)}$"
    c.ServerApp.allow_origin_pat = origin
