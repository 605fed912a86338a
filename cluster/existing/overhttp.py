"""Check the writes that Python sends itself, as `guard` does kubectl's.

The Python client, `Caller` and requests all speak through urllib3, so there is one
place to stand at; what the client opens as a WebSocket (exec, attach, port-forward) has
a second. Whichever address a write goes to, whoever is there is asked for its UID, over
the same connection and with the same credential; a path of Kubernetes is known by its
form. The API servers that a notebook started itself are left alone.
"""

import functools
import inspect
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import urllib3

from cluster import apiserver, errors
from cluster.existing import look, requestpath, rules
from cluster.existing.record import Record

_READS = ("GET", "HEAD", "OPTIONS")
_POOL = urllib3.connectionpool.HTTPConnectionPool
_urlopen = _POOL.urlopen
_SIGNATURE = inspect.signature(_urlopen)
#: what the question has in common with the write, beside headers: how long, how often
_SAME = ("retries", "timeout", "pool_timeout", "assert_same_host")
#: headers that are about a body, or about the answer
_OF_BODY = ("content-", "transfer-", "accept", "expect", "if-")
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
#: what is checked in this process: a Record and its kubeconfig, or nothing
_checked: tuple | None = None
#: of the client library, as it was before
_create_websocket: Callable | None = None


def check_writes(record: Record | None, kubeconfig=None) -> None:
    """Check every write of this process from now on; with None, none any more."""
    global _checked, _create_websocket
    _checked = record and (record, kubeconfig)
    _POOL.urlopen = _urlopen if record is None else _urlopen_checked
    try:
        from kubernetes.stream import ws_client
    except ImportError:
        return  # then nobody opens one
    _create_websocket = _create_websocket or ws_client.create_websocket
    ws_client.create_websocket = (
        _create_websocket if record is None else _create_websocket_checked
    )


@functools.wraps(_urlopen)
def _urlopen_checked(pool, method, url, body=None, headers=None, *arguments, **options):
    write = method.upper() not in _READS and requestpath.is_of_kubernetes(url)
    if write and not apiserver.is_ours(pool.host, pool.port):
        given = _SIGNATURE.bind_partial(
            pool, method, url, body, headers, *arguments, **options
        ).arguments
        same = {name: given[name] for name in _SAME if name in given}
        kept = _without_body(pool.headers if headers is None else headers)

        def get(path: str):
            return _urlopen(pool, "GET", path, headers=kept, redirect=False, **same)

        origin = f"{pool.scheme}://{pool.host}:{pool.port}"
        _check(get, origin, url, makes=method.upper() != "DELETE")
        body, headers = _with_image(body, headers, _checked[0].image)
    return _urlopen(pool, method, url, body, headers, *arguments, **options)


def _create_websocket_checked(configuration, url, headers=None):
    """Check what is opened as a WebSocket: it is a GET, and does what it likes."""
    from kubernetes.client import rest

    parts = urlsplit(url)
    scheme = {"wss": "https", "ws": "http"}[parts.scheme]
    origin = f"{scheme}://{parts.netloc}"
    if not apiserver.is_ours(parts.hostname, parts.port):
        manager = rest.RESTClientObject(configuration).pool_manager
        token = (headers or {}).get("authorization")

        def get(path: str):
            return manager.request(
                "GET",
                origin + path,
                headers={"authorization": token} if token else {},
                redirect=False,
                timeout=look.TIMEOUT,
            )

        _check(get, origin, parts.path, makes=False)
    return _create_websocket(configuration, url, headers)


def _check(get: Callable, origin: str, url: str, *, makes: bool) -> None:
    """Raise WriteRefused or OtherCluster unless a write may go where `get` asks."""
    record, kubeconfig = _checked
    try:
        names = rules.path_touches(url)
        rules.require_names(names)
        path = requestpath.read(url)
        seen = _see(get, path.prefix, names)
        if seen is None and _place(origin) == _place(record.server):
            # Who writes may not look; the learner may, at the same address.
            seen = look.see(record.kubectl, (), names, kubeconfig=kubeconfig)
        if seen is None or seen.uid != record.uid:
            raise errors.OtherCluster(origin, seen.uid if seen else "", record.uid)
        made = names if path.itself and makes else ()
        rules.judge(record, seen.uid, names, seen.labels, made=made)
    except rules.Refused as refused:
        raise errors.WriteRefused(str(refused)) from None


def _see(get: Callable, prefix: str, names: list[str]) -> look.Seen | None:
    """Return what is there by two GETs, or None if the answer is no Namespace."""
    found = {}
    for name in dict.fromkeys([look.HOME, *names]):
        answer = get(f"{prefix}/api/v1/namespaces/{name}")
        if answer.status == 404 and name != look.HOME:
            continue
        try:
            metadata = json.loads(answer.data)["metadata"]
            found[name] = metadata if answer.status == 200 else None
        except (ValueError, KeyError, TypeError):
            return None
        if not found[name] or not found[name].get("uid"):
            return None
    labels = {name: found[name].get("labels") or {} for name in found}
    return look.Seen(found[look.HOME]["uid"], labels)


def _place(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _without_body(headers) -> dict:
    return {
        name: headers[name]
        for name in headers or ()
        if not name.lower().startswith(_OF_BODY)
    }


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
