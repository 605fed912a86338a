"""What an OCI bundle loses before runc sees it."""

import json
import os
import subprocess
import sys

import pytest

from cluster.local import oci

SPEC = {
    "ociVersion": "1.3.0",
    "process": {"args": ["sleep", "1"], "user": {"uid": 1000, "gid": 1000}},
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "options": ["nosuid", "newinstance", "mode=0620", "gid=5"],
        },
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro"]},
    ],
    "linux": {
        "cgroupsPath": "/k8s.io/abc",
        "resources": {"memory": {"limit": 1}},
        "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"},
        "namespaces": [{"type": "pid"}],
    },
}


def test_cgroups_and_unmapped_groups_are_left_out_and_nothing_else():
    assert oci.fit(SPEC, {"cgroups"}) == {
        "ociVersion": "1.3.0",
        "process": {"args": ["sleep", "1"], "user": {"uid": 1000, "gid": 1000}},
        "mounts": [
            {
                "destination": "/proc",
                "type": "proc",
                "source": "proc",
                "options": [],
            },
            {
                "destination": "/dev/pts",
                "type": "devpts",
                "options": ["nosuid", "newinstance", "mode=0620"],
            },
        ],
        "linux": {
            "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"},
            "namespaces": [{"type": "pid"}],
        },
    }


def test_without_seccomp_the_profile_is_left_out_too():
    lost = oci.fit(SPEC, {"seccomp", "cgroups"})
    assert lost["linux"] == {"namespaces": [{"type": "pid"}]}


def test_where_there_are_cgroups_all_of_them_is_kept():
    kept = oci.fit(SPEC, set())
    assert kept["linux"] == SPEC["linux"]
    assert kept["mounts"][-1]["type"] == "cgroup"


def test_a_spec_without_linux_and_mounts_is_fine():
    assert oci.fit({"root": {"path": "rootfs"}}, set()) == {
        "root": {"path": "rootfs"},
        "linux": {},
        "mounts": [],
    }


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


def test_without_a_bundle_it_is_the_current_directory():
    assert oci.bundle_of(["create", "id"]) == os.getcwd()


@pytest.mark.parametrize(
    "without", [(), ("seccomp",), ("cgroups",), ("seccomp", "cgroups")]
)
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
