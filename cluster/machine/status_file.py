"""Read the last status of a cluster, `run/status.json`, to which pods can write."""

import json
import re

from cluster.statedir import printable_text

#: bytes; a status has two thousand
LIMIT = 1_000_000
_TEXT = str | None
_TIME = int | float
_WHOLE = {
    "phase": str,
    "awaited": list,
    "failed": _TEXT,
    "problem": _TEXT,
    "began": _TIME | None,
    "ready_at": _TIME | None,
    "components": dict,
}
#: keys that some clusters leave out
_MORE = {
    "absent": list | None,
    "ids": int | None,
    "limits": bool | None,
    "seccomp": bool | None,
    "service_proxy": bool | None,
    "snapshotter": _TEXT,
    "steps": int | None,
}
_PART = {
    "state": str,
    "pid": int | None,
    "restarts": int,
    "last_exit": _TEXT,
    "since": _TIME,
}


def parse(text: str) -> dict:
    """Return the status; raise ValueError for anything else."""
    status = _clean(json.loads(text))
    if not (isinstance(status, dict) and _is_status(status)):
        raise ValueError("not a status")
    return status


def _is_status(status: dict) -> bool:
    if not _has(status, _WHOLE):
        return False
    parts = status["components"]
    words = [*status["awaited"], *(status.get("absent") or ())]
    return (
        all(isinstance(status.get(key), kind) for key, kind in _MORE.items())
        and all(_has(part, _PART) for part in parts.values())
        # A log is called after it.
        and all(re.fullmatch("[a-z-]+", name) for name in parts)
        and status["failed"] in (None, *parts)
        and all(isinstance(word, str) for word in words)
    )


def _has(document: object, kinds: dict) -> bool:
    return isinstance(document, dict) and all(
        key in document and isinstance(document[key], kind)
        for key, kind in kinds.items()
    )


def _clean(value: object) -> object:
    """Return a value with texts that can be shown, and times that can be counted."""
    if isinstance(value, str):
        return printable_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {printable_text(key): _clean(item) for key, item in value.items()}
    if isinstance(value, int | float) and not abs(value) < 1e12:
        raise ValueError("no time")  # NaN as well
    return value
