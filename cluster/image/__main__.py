"""Build the image in a container, and write the archive to standard output.

`python3 -m cluster.image ARCHITECTURE CLIENT==VERSION PACKAGE==VERSION...` needs
mmdebstrap, pip, the standard library, and the kubectl for pods at /kubectl.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from cluster import errors
from cluster.image.build import Build
from cluster.progress import Terminal

architecture, *client = sys.argv[1:]
with tempfile.TemporaryDirectory() as work:
    build = Build(Path(work), Path(work, "log"), Terminal())
    try:
        archive = build.make(Path("/kubectl"), tuple(client), architecture)
    except errors.LabError as error:
        sys.exit(error.fact)
    with archive.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
