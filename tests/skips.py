"""Which skips are no surprise on which machine; any other fails CI.

Else a run without a browser, or not as root, would look like one with everything.
"""

import os
import re
from dataclasses import dataclass

ROOT = os.geteuid() == 0


@dataclass(frozen=True)
class Allowed:
    """A part of a skip's reason, as a pattern, and whether it is right here."""

    pattern: str
    here: bool


ALLOWED = (
    Allowed("only root can", not ROOT),
    Allowed("root may|root writes", ROOT),
)


def unexpected(reason: str) -> bool:
    """Say whether nobody expects a skip with this reason on this machine."""
    return not any(each.here and re.search(each.pattern, reason) for each in ALLOWED)
