"""Keep the modules that the node loads, without debug symbols: 3 of 166 MB.

`python binder/modules.py DIRECTORY` is run when the image is built.
"""

import subprocess
import sys
from pathlib import Path

from cluster.usermode import guest

found = list(Path(sys.argv[1]).glob("*/modules.dep"))
if not found:
    sys.exit(f"{sys.argv[1]} has no kernel's modules")
for listed in found:
    lines = listed.read_text().splitlines()
    kept = {listed.parent / path for path in guest.load_order(lines, guest.MODULES)}
    for path in listed.parent.rglob("*.ko*"):
        if path not in kept:
            path.unlink()
    subprocess.run(["strip", "--strip-debug", *kept], check=True)
