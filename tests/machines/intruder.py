"""Try to get something of a class's other learners, and of its hub; print what was got.

Runs with the standard library alone, in a pod or as a learner: `python3 - WORLD`. WORLD
is JSON: `ports` and `addresses` to connect to, `paths` of files, and below which
directories (`tops`) they are looked for, by their path and by `inodes`. Printed is how
many attempts were made, and what they got.
"""

import contextlib
import json
import os
import socket
import sys

#: directories of the kernel and the system, where nothing of anybody's is
SKIP = {"proc", "sys", "dev", "usr", "lib", "lib64", "bin", "sbin"}


def connections(world: dict):
    """Yield each attempt to connect, and whether it succeeded."""
    for address in world["addresses"]:
        for port in world["ports"]:
            with socket.socket() as client:
                client.settimeout(1)
                yield f"{address}:{port}", client.connect_ex((address, port)) == 0


def files(world: dict):
    """Yield each attempt to find or open a file of others, and whether it succeeded."""
    tops = [top for each in world["tops"] for top in (each, *roots(each))]
    for top in tops:
        for path in world["paths"]:
            yield f"{top}{path}", can_open(f"{top}{path}", world["inodes"])
    for top in world["tops"]:
        for directory, names, found in os.walk(top):
            if directory == top:
                names[:] = {*names} - SKIP
            for name in (*names, *found):
                path = os.path.join(directory, name)
                yield path, is_theirs(path, world["inodes"])


def roots(top: str) -> list[str]:
    """Return by which names the roots of processes can be tried."""
    with contextlib.suppress(OSError):
        pids = [name for name in os.listdir(f"{top}/proc") if name.isdigit()]
        return [f"{top}/proc/{pid}/root" for pid in pids]
    return []


def can_open(path: str, inodes: list[str]) -> bool:
    """Say whether a file of theirs can be read."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return is_theirs(path, inodes)
    return False


def is_theirs(path: str, inodes: list[str]) -> bool:
    """Say whether a path leads to a file of theirs, which may be shown elsewhere."""
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return f"{found.st_dev}:{found.st_ino}" in inodes
    return False


def main() -> None:
    """Try everything."""
    world = json.loads(sys.argv[1])
    tried = [*connections(world), *files(world)]
    got = [name for name, succeeded in tried if succeeded]
    print(json.dumps({"tried": len(tried), "got": got}))


if __name__ == "__main__":
    main()
