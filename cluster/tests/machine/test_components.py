"""Descriptions of components, taken together."""

import subprocess
from dataclasses import replace

import pytest

from cluster import backend
from cluster.machine import components, layout
from cluster.machine.components import Facts

FACTS = Facts(
    python="/usr/bin/python3",
    runc="/usr/sbin/runc",
    seccomp=True,
    snapshotter="overlayfs",
    service_proxy=True,
    import_archive="/run/lab/images/toolbox.tar",
)


def test_each_component_has_a_log_that_can_be_asked_for():
    parts = components.describe(replace(FACTS, empty=True))
    assert {*(part.name for part in parts), "machine"} == {*backend.LOCAL}


def test_a_stop_fits_into_five_seconds():
    """The graces of the longest chain, should each of it need all of its own."""
    parts = {part.name: part for part in components.describe(FACTS)}

    def longest(name):
        before = [longest(other) for other in parts[name].stop_after]
        return parts[name].grace + max(before, default=0.0)

    assert longest("etcd") <= 8.0, "then the machine is killed"


@pytest.mark.parametrize("seccomp", [True, False])
@pytest.mark.parametrize("limits", [True, False])
@pytest.mark.parametrize(
    ("arguments", "wrapped"),
    [
        (["--root", "/r", "create", "--bundle", "/b", "id"], True),
        (["run", "id"], True),
        (["--root", "/r", "state", "id"], False),
        (["kill", "id", "9"], False),
    ],
)
def test_the_runtime_wraps_only_what_carries_a_bundle(
    tmp_path, seccomp, limits, arguments, wrapped
):
    odd = tmp_path / "it's a $HOME `dir`"
    odd.mkdir()
    for name in ("python", "runc"):
        (odd / name).write_text(f'#!/bin/sh\necho {name}; printf "%s\\n" "$@"\n')
        (odd / name).chmod(0o755)
    script = components.runtime_script(
        Facts(
            python=f"{odd}/python", runc=f"{odd}/runc", seccomp=seccomp, limits=limits
        )
    )
    (tmp_path / "runtime").write_text(script)
    done = subprocess.run(
        ["sh", tmp_path / "runtime", *arguments], capture_output=True, text=True
    )
    plain = [f"{odd}/runc", *arguments]
    options = [] if seccomp else ["--without-seccomp"]
    options += [] if limits else ["--without-cgroups"]
    expected = (
        ["python", "-ISE", f"{layout.ETC}/oci.py", *options, *plain]
        if wrapped
        else ["runc", *arguments]
    )
    assert (done.stdout.splitlines(), done.stderr) == (expected, "")
