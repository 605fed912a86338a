"""How old an object is, printed as kubectl prints AGE: `5s`, `3m12s`, `4h2m`, `7d`."""

from datetime import datetime, timedelta

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
#: below so many seconds: in this unit, and what is left over in that one
_STEPS = (
    *((120, "s", ""), (600, "m", "s"), (3 * 3600, "m", ""), (8 * 3600, "h", "m")),
    *((2 * 86400, "h", ""), (8 * 86400, "d", "h"), (2 * 365 * 86400, "d", "")),
    (8 * 365 * 86400, "y", "d"),
)


def human_duration(span: timedelta) -> str:
    """Return a span in at most two units, coarser the longer it is.

    The same as `duration.HumanDuration` in k8s.io/apimachinery: seconds up to two
    minutes, minutes up to three hours.
    """
    seconds = int(span.total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(0, seconds)
    found = ((unit, rest) for below, unit, rest in _STEPS if seconds < below)
    unit, rest = next(found, ("y", ""))
    whole, left = divmod(seconds, _SECONDS[unit])
    left = left // _SECONDS[rest] if rest else 0
    return f"{whole}{unit}" + (f"{left}{rest}" if left else "")


def age(created: str, now: datetime) -> str:
    """Return the age of an object from its `creationTimestamp`, "" without one."""
    if not created:
        return ""
    return human_duration(now - datetime.fromisoformat(created))
