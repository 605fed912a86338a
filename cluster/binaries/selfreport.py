"""Ask a program for its version: whether it runs here at all, and what it is."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path


def version(command: Sequence[str | Path]) -> str:
    """Return what the command says of its version, as `v1.37.2`, or ""."""
    try:
        said = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            # A CNI plugin must not believe that it is called to work.
            env={"HOME": "/", "PATH": os.defpath},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.search(r"\bv?(\d+\.\d+\.\d+[\w.+-]*)", said.stdout + said.stderr)
    return f"v{found[1]}" if found else ""
