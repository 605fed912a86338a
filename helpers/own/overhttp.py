"""Check the writes that Python sends itself, as `helpers.own.guard` checks kubectl's.

The Python client, `Caller` and requests all speak through urllib3, so there is one
place to stand at. Nothing but writes to the learner's cluster is looked at, and to
what is a way there: a `kubectl proxy` on this machine.
"""

import functools
from urllib.parse import urlsplit

import urllib3

from helpers import errors
from helpers.own import look, rules
from helpers.own.record import Record

_READS = ("GET", "HEAD", "OPTIONS")
_POOL = urllib3.connectionpool.HTTPConnectionPool
_urlopen = _POOL.urlopen
#: what is checked in this process: a Record and its kubeconfig, or nothing
_checked: tuple | None = None


def check_writes(record: Record | None, kubeconfig=None) -> None:
    """Check every write of this process from now on; with None, none any more."""
    global _checked
    _checked = record and (record, kubeconfig)
    _POOL.urlopen = _urlopen if record is None else _urlopen_checked


@functools.wraps(_urlopen)
def _urlopen_checked(pool, method, url, body=None, headers=None, *arguments, **options):
    record, kubeconfig = _checked
    if method.upper() not in _READS and _leads_there(pool, url, record):
        _check(url, record, kubeconfig)
        body, headers = _with_image(body, headers, record.image)
    return _urlopen(pool, method, url, body, headers, *arguments, **options)


def _leads_there(pool, url: str, record: Record) -> bool:
    place = urlsplit(record.server)
    port = place.port or (443 if place.scheme == "https" else 80)
    if (pool.scheme, pool.host, pool.port) == (place.scheme, place.hostname, port):
        return True
    path = urlsplit(url).path
    return (pool.scheme, pool.host) == ("http", "127.0.0.1") and path.startswith("/api")


def _check(url: str, record: Record, kubeconfig) -> None:
    try:
        names = rules.path_touches(url)
        seen = look.see(record.kubectl, (), names, kubeconfig=kubeconfig)
        rules.judge(record, seen.uid, names, seen.labels)
    except rules.Refused as refused:
        raise errors.WriteRefused(str(refused)) from None


def _with_image(body, headers, image: str):
    """Return a body with the image that was named, and the headers that fit it."""
    text = body.decode(errors="surrogateescape") if isinstance(body, bytes) else body
    if not isinstance(text, str) or rules.with_image(text, image) == text:
        return body, headers
    changed = rules.with_image(text, image).encode(errors="surrogateescape")
    # requests has counted already; urllib3 counts where nobody did.
    counted = [name for name in headers or () if name.lower() == "content-length"]
    if counted:
        headers = {**headers, counted[0]: str(len(changed))}
    return changed, headers
