"""The accounts of the tab: one, as on the cluster's machine."""

from typing import NamedTuple


class struct_passwd(NamedTuple):
    """An account."""

    pw_name: str
    pw_passwd: str
    pw_uid: int
    pw_gid: int
    pw_gecos: str
    pw_dir: str
    pw_shell: str


_ROOT = struct_passwd("root", "x", 0, 0, "root", "/root", "/bin/bash")


def getpwuid(uid: int) -> struct_passwd:
    """Return the account of a number; raise KeyError."""
    if uid:
        raise KeyError(f"getpwuid(): uid not found: {uid}")
    return _ROOT


def getpwnam(name: str) -> struct_passwd:
    """Return the account of a name; raise KeyError."""
    if name != _ROOT.pw_name:
        raise KeyError(f"getpwnam(): name not found: {name!r}")
    return _ROOT


def getpwall() -> list[struct_passwd]:
    """Return all accounts."""
    return [_ROOT]
