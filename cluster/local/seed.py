"""Put the objects that every cluster of this version has into an empty etcd.

A script: `python -ISE seed.py OBJECTS SOCKET`. The API server would make these objects
after a second's sleep, for which all users of the default roles would wait. UIDs and
ages are each cluster's own; no namespace, key or address is seeded.
"""

import base64
import datetime as dt
import json
import socket
import sys
import uuid
from pathlib import Path

#: puts in one transaction; etcd takes 128
MOST = 100


def put_requests(lines: str) -> list[dict]:
    """Return the keys and values for etcd: an object for each line."""
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    requests = []
    for line in lines.splitlines():
        body = json.loads(line)
        meta = body["metadata"]
        kind = body["kind"].lower()
        plural = f"{kind}es" if kind.endswith("s") else f"{kind}s"
        names = [meta[key] for key in ("namespace", "name") if key in meta]
        key = "/".join((plural, *names))
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now}
        put = {"key": _base64(f"/registry/{key}"), "value": _base64(json.dumps(body))}
        requests.append({"requestPut": put})
    return requests


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def send(address: str, operations: list[dict]) -> str:
    """Put all pairs in one transaction; return the status line of etcd's answer.

    Nothing is put where the API server has made one of them already.
    """
    absent = [
        {"key": put["requestPut"]["key"], "target": "CREATE", "createRevision": "0"}
        for put in operations
    ]
    body = json.dumps({"compare": absent, "success": operations}).encode()
    head = (
        "POST /v3/kv/txn HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as etcd:
        etcd.settimeout(30)
        etcd.connect(address)
        etcd.sendall(head.encode() + body)
        with etcd.makefile("rb") as answer:
            return answer.readline().decode().strip()


def main() -> int:
    """Be the script; return its exit code."""
    objects, address = sys.argv[1:]
    todo = put_requests(Path(objects).read_text())
    for start in range(0, len(todo), MOST):
        status = send(address, todo[start : start + MOST])
        if " 200 " not in status:
            print(f"etcd: {status}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
