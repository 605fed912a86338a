"""Make an OCI bundle fit for an ordinary user, then become runc.

Runs as a script of its own, with the standard library alone:
`python -ISE oci.py [--without-seccomp] RUNC ARGUMENT...`. containerd asks for things
that runc may not do without privileges, even with `disable_cgroup = true`.
"""

import json
import os
import sys


def fit(spec: dict, *, seccomp: bool = True) -> dict:
    """Return the bundle's config.json without what a user may not have."""
    linux = dict(spec.get("linux", {}))
    # runc would make this cgroup and fail.
    linux.pop("cgroupsPath", None)
    linux.pop("resources", None)
    if not seccomp:
        # runc without libseccomp refuses a profile outright.
        linux.pop("seccomp", None)
    mounts = [
        # A gid that the user namespace does not map cannot own a mount (devpts).
        {**mount, "options": [o for o in mount.get("options", []) if o[:4] != "gid="]}
        for mount in spec.get("mounts", [])
        if mount.get("type") != "cgroup"
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
    seccomp = arguments[0] != "--without-seccomp"
    runc, *rest = arguments if seccomp else arguments[1:]
    path = os.path.join(bundle_of(rest), "config.json")
    with open(path) as file:
        spec = fit(json.load(file), seccomp=seccomp)
    with open(path, "w") as file:
        json.dump(spec, file)
    os.execv(runc, [runc, *rest])


if __name__ == "__main__":
    main()
