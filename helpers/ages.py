"""Say how old something is, as kubectl does: `5s`, `3m12s`, `4h2m`, `7d`."""

from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def human_duration(span: timedelta) -> str:
    """Return a span in two units at most, coarser the longer it is.

    The same as the column AGE of kubectl (`duration.HumanDuration` in
    k8s.io/apimachinery): seconds up to two minutes, minutes up to three hours.
    """
    seconds = int(span.total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(0, seconds)
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds, _MINUTE, "m", 1, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds, _HOUR, "h", _MINUTE, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    if seconds < 2 * _YEAR:
        return f"{seconds // _DAY}d"
    if seconds < 8 * _YEAR:
        return _two(seconds, _YEAR, "y", _DAY, "d")
    return f"{seconds // _YEAR}y"


def age(created: str, now: datetime) -> str:
    """Return the age of an object from its `creationTimestamp`, "" without one."""
    if not created:
        return ""
    return human_duration(now - datetime.fromisoformat(created))


def _two(seconds: int, big: int, sign: str, small: int, other: str) -> str:
    rest = seconds % big // small
    return f"{seconds // big}{sign}" + (f"{rest}{other}" if rest else "")
