"""Make an OCI bundle fit for an ordinary user, then become runc.

A script: `python -ISE oci.py [--without-seccomp] [--without-cgroups] RUNC ARGUMENT...`.
"""

import json
import os
import sys
from collections.abc import Container


def fit(spec: dict, without: Container[str]) -> dict:
    """Return a config.json without the settings that a user may not apply."""
    linux = dict(spec.get("linux", {}))
    mounts = spec.get("mounts", [])
    if "cgroups" in without:
        # runc would make this cgroup and fail.
        linux.pop("cgroupsPath", None)
        linux.pop("resources", None)
        mounts = [mount for mount in mounts if mount.get("type") != "cgroup"]
    if "seccomp" in without:
        # runc without libseccomp refuses a profile outright.
        linux.pop("seccomp", None)
    mounts = [
        # A gid that the user namespace does not map cannot own a mount (devpts).
        {**mount, "options": [o for o in mount.get("options", []) if o[:4] != "gid="]}
        for mount in mounts
    ]
    return {**spec, "linux": linux, "mounts": mounts}


def bundle_of(arguments: list[str]) -> str:
    """Return the bundle directory that runc's arguments name."""
    for number, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag in ("--bundle", "-bundle", "-b"):
            return value if equals else arguments[number + 1]
    return os.getcwd()


def main() -> None:
    """Rewrite config.json and exec runc."""
    arguments = sys.argv[1:]
    without = set()
    while arguments[0].startswith("--without-"):
        without.add(arguments.pop(0).removeprefix("--without-"))
    runc, *rest = arguments
    path = os.path.join(bundle_of(rest), "config.json")
    with open(path) as file:
        spec = fit(json.load(file), without)
    with open(path, "w") as file:
        json.dump(spec, file)
    os.execv(runc, [runc, *rest])


if __name__ == "__main__":
    main()
