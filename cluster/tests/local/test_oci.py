"""Parts that an OCI bundle loses before runc sees it."""

import json
import os
import subprocess
import sys

import pytest

from cluster.local import oci

PTS = {"destination": "/dev/pts", "type": "devpts", "options": ["newinstance", "gid=5"]}
SPEC = {
    "ociVersion": "1.3.0",
    "process": {"args": ["sleep", "1"], "user": {"uid": 1000, "gid": 1000}},
    "mounts": [
        {"destination": "/proc", "type": "proc", "options": ["ro"]},
        PTS,
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro"]},
    ],
    "linux": {
        "cgroupsPath": "/k8s.io/abc",
        "resources": {"memory": {"limit": 1}},
        "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"},
        "namespaces": [{"type": "pid"}],
    },
}


@pytest.mark.parametrize(
    ("without", "lost", "mounts"),
    [
        ({"cgroups"}, ["cgroupsPath", "resources"], 2),
        ({"seccomp", "cgroups"}, ["cgroupsPath", "resources", "seccomp"], 2),
        (set(), [], 3),
    ],
)
def test_what_there_is_none_of_is_left_out_and_nothing_else(without, lost, mounts):
    """And groups that are not mapped, always."""
    kept = {key: value for key, value in SPEC["linux"].items() if key not in lost}
    first, _, third = SPEC["mounts"]
    expected = [first, PTS | {"options": ["newinstance"]}, third][:mounts]
    assert oci.fit(SPEC, without) == SPEC | {"linux": kept, "mounts": expected}


def test_a_spec_without_linux_and_mounts_is_fine():
    spec = {"root": {"path": "rootfs"}}
    assert oci.fit(spec, set()) == spec | {"linux": {}, "mounts": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--root", "/r", "create", "--bundle", "/the/bundle", "id"],
        ["create", "-b", "/the/bundle", "--pid-file", "p", "id"],
        ["create", "--bundle=/the/bundle", "id"],
    ],
)
def test_the_bundle_is_found_in_the_arguments(arguments):
    assert oci.bundle_of(arguments) == "/the/bundle"
    assert oci.bundle_of(["create", "id"]) == os.getcwd()


@pytest.mark.parametrize("without", [(), ("seccomp",), ("cgroups",)])
def test_the_script_rewrites_the_bundle_and_becomes_runc(tmp_path, without):
    (tmp_path / "config.json").write_text(json.dumps(SPEC))
    runc = tmp_path / "runc"
    runc.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 5\n')
    runc.chmod(0o755)
    arguments = ["--log", "a log", "create", "--bundle", str(tmp_path), "id"]
    options = [f"--without-{name}" for name in without]
    done = subprocess.run(
        [sys.executable, "-ISE", oci.__file__, *options, runc, *arguments],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == arguments
    assert done.returncode == 5
    rewritten = json.loads((tmp_path / "config.json").read_text())
    assert rewritten == oci.fit(SPEC, without)
