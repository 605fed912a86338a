"""Which skips are no surprise on which machine; any other fails CI.

Else a run without a browser, or not as root, would look like one with everything.
"""

import os
import re

ROOT = os.geteuid() == 0
#: a pattern for the reason, and whether that is right on this machine
ALLOWED = (
    ("only root can", not ROOT),
    ("root may|root writes", ROOT),
)


def expected(reason: str) -> bool:
    """Say whether a skip with this reason is right on this machine."""
    return any(here and re.search(pattern, reason) for pattern, here in ALLOWED)
