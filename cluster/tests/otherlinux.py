"""Play a Linux that is not Debian: a PATH without its tools, with another's manager.

Packages are not installed; what the manager would say and do is not shown.
"""

import os
from pathlib import Path

#: programs of Debian, and engines: they would make the image
LACKS = ("apt", "apt-get", "apt-config", "dpkg", "mmdebstrap", "docker", "podman")


def path(folder: Path, *managers: str, lacks: tuple[str, ...] = ()) -> str:
    """Return a PATH in `folder`: this machine's programs but Debian's and `lacks`."""
    folder.mkdir()
    for directory in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(directory).glob("*"):
            link = folder / program.name
            link.unlink(missing_ok=True)
            if program.name not in (*LACKS, *lacks):
                link.symlink_to(program)
    for name in managers:
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    return str(folder)
