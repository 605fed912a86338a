"""Which skips are no surprise on which machine; any other fails CI.

Else a run without a browser, or not as root, would look like one with everything.
"""

import os
import re
import shutil

from helpers.local.runtime import SYSTEM_PATH

ROOT = os.geteuid() == 0


def _lacks(program: str) -> bool:
    return shutil.which(program, path=SYSTEM_PATH) is None


#: a pattern for the reason, and whether that is right on this machine; what root has
#: set-up install is no reason for root
ALLOWED = (
    (r"only root can", not ROOT),
    (r"root may bind|root writes", ROOT),
    (r"Chromium is not here", not ROOT and _lacks("chromium")),
    (r"slirp4netns|user-mode-linux|no modules for it", not ROOT),
    (r"mmdebstrap is not installed", not ROOT and _lacks("mmdebstrap")),
    (r"no `nft`", not ROOT and _lacks("nft")),
    (r"no C compiler here", not ROOT and _lacks("cc")),
    (r"no Go (here|on PATH)", _lacks("go")),
    (r"the distribution's Go cannot be taken off PATH", not _lacks("go")),
    (r"no docker here", _lacks("docker")),
)


def expected(reason: str) -> bool:
    """Say whether a skip with this reason is right on this machine."""
    # Chosen when the run began, by whoever runs it or by conftest.py.
    elsewhere = os.environ.get("LAB_BACKEND") != "local"
    of_backends = (r"this cell needs a node|only the local cluster", elsewhere)
    allowed = (*ALLOWED, of_backends)
    return any(here and re.search(pattern, reason) for pattern, here in allowed)
