"""Know the skips that this machine may have; any other fails CI.

Otherwise a run without a browser, or not as root, would look like one with everything.
"""

import os
import platform
import re
import shutil
from pathlib import Path

from cluster import packages
from cluster.processes import SYSTEM_PATH
from cluster.programs import golang
from cluster.usermode.kernel import has_amx

ROOT = os.geteuid() == 0
CHECKOUT = Path(__file__).parents[1]


def _lacks(program: str) -> bool:
    return shutil.which(program, path=SYSTEM_PATH) is None


def browser_server() -> Path | None:
    """Return the directory of the API server for browsers, if that has been built."""
    try:
        from tab import build
    except ModuleNotFoundError:
        # The container image has neither.
        return None
    return build.find()


#: a pattern for the reason, and whether that is right on this machine; the set-up
#: installs programs for root, so that root has no excuse
ALLOWED = (
    (r"only root can", not ROOT),
    (r"user-mode-linux is for x86-64", platform.machine() != "x86_64"),
    (r"root may bind", ROOT),
    (r"Chromium is not here", not ROOT and _lacks("chromium")),
    (r"Firefox is not here", not (ROOT and packages.has_package("firefox-esr"))),
    (r"a package of Debian alone", not packages.has_package("user-mode-linux")),
    (r"slirp4netns|user-mode-linux|squashfs-tools|no modules for it", not ROOT),
    (r"for this processor \(AMX\)", has_amx()),
    (r"npm is not here", _lacks("npm")),
    (r"zsh is not here", _lacks("zsh")),
    (r"fish is not here", _lacks("fish")),
    (r"cpio is not installed", not ROOT and _lacks("cpio")),
    (r"mmdebstrap is not installed", not ROOT and _lacks("mmdebstrap")),
    (r"no `nft`", not ROOT and _lacks("nft")),
    (r"no C compiler here", not ROOT and _lacks("cc")),
    (r"no Go (here|on PATH)", golang.find() is None),
    (r"the distribution's Go cannot be taken off PATH", not _lacks("go")),
    (r"python -m tab.build", browser_server() is None),
    (r"Node is not here", _lacks("node")),
    (r"uv is not here", not [*CHECKOUT.glob("build/uv==*/bin/uv")]),
    # The suite cannot choose this machine's network.
    (r"the loopback device alone", True),
)


def expected(reason: str) -> bool:
    """Return whether a skip with this reason is right on this machine."""
    # Chosen when the run began, by whoever runs it or by conftest.py.
    elsewhere = os.environ.get("LAB_BACKEND") != "local"
    of_backends = (
        r"(This lesson|A pod) needs a node|only the local cluster",
        elsewhere,
    )
    allowed = (*ALLOWED, of_backends)
    return any(here and re.search(pattern, reason) for pattern, here in allowed)
