"""Write requests down as HAR 1.2, the format that browsers exchange. Pure.

http://www.softwareishard.com/blog/har-12-spec/ - bodies are not in it: what a Secret
holds or a token is would be there.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cluster import masks
from helpers.requestlog import Entry

#: "not known" in HAR
_UNKNOWN = -1


def document(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return the requests, oldest first, as a HAR document without secrets."""
    ordered = sorted(entries, key=lambda entry: entry.at)
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "kubernetes-api-notebooks", "version": "1"},
            "entries": [_entry(entry) for entry in ordered],
            "comment": "Bodies are not kept, and values that may be secret are gone.",
        }
    }


def _entry(entry: Entry) -> dict[str, Any]:
    spent = entry.milliseconds if entry.milliseconds is not None else 0
    # Again, although an entry is made without secrets: this file leaves the machine.
    url = masks.url(entry.url)
    return {
        "startedDateTime": datetime.fromtimestamp(entry.at, UTC).isoformat(),
        "time": spent,
        "request": {
            "method": entry.method,
            "url": url,
            "httpVersion": "unknown" if entry.source != "python" else "HTTP/1.1",
            "cookies": [],
            "headers": _headers(entry.sent),
            "queryString": _named(parse_qsl(urlsplit(url).query, True)),
            "headersSize": _UNKNOWN,
            "bodySize": _UNKNOWN,
        },
        "response": {
            "status": entry.status,
            "statusText": masks.text(entry.reason),
            "httpVersion": "unknown" if entry.source != "python" else "HTTP/1.1",
            "cookies": [],
            "headers": _headers(entry.received),
            "content": {
                "size": _UNKNOWN if entry.size is None else entry.size,
                "mimeType": dict(_lower(entry.received)).get("content-type", ""),
            },
            "redirectURL": "",
            "headersSize": _UNKNOWN,
            "bodySize": _UNKNOWN if entry.size is None else entry.size,
        },
        "cache": {},
        "timings": {"send": 0, "wait": spent, "receive": 0},
        "comment": f"sent by {entry.source}",
    }


def _headers(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return _named(masks.headers(pairs))


def _lower(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in pairs]


def _named(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
