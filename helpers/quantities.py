"""Turn the quantities of Kubernetes into numbers: `100m` is 0.1, `1Ki` is 1024.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import functools
import re
from decimal import Decimal

from helpers.columns import steps

_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{s: Decimal(1000) ** power for power, s in enumerate("kMGTPE", 1)},
    **{f"{s}i": Decimal(1024) ** power for power, s in enumerate("KMGTPE", 1)},
}
_QUANTITY = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?"
)


# Most quantities of a list are equal.
@functools.lru_cache(4096)
def number(text: str) -> float | None:
    """Return a quantity as a number of its unit, or None if it is no quantity."""
    found = _QUANTITY.fullmatch(text)
    if not found:
        return None
    digits, suffix, exponent = found.groups()
    if exponent:
        return float(Decimal(digits) * Decimal(10) ** int(exponent))
    return float(Decimal(digits) * _FACTORS[suffix or ""])


#: the last words of names that are measured in bytes
_BYTES = {"memory", "storage", "ephemeral-storage", "sizeLimit"}


def unit(path: str) -> str:
    """Return the unit of the quantity at a path: cores, bytes, or count for the rest.

    The path ends with its name: `.cpu`, `.hugepages-2Mi`, `['limits.memory']`.
    """
    name = [step for step in steps(path) if isinstance(step, str)][-1]
    last = name.rpartition(".")[2]
    if last == "cpu":
        return "cores"
    if last in _BYTES or last.startswith("hugepages-"):
        return "bytes"
    return "count"
