"""The memory that is left: the machine's or the container's, whichever is less."""

import re

import psutil
import pytest

from cluster import preflight
from cluster.tests.commandline import python

MB = 1 << 20


@pytest.fixture
def machine(tmp_path):
    """Writes files as a kernel shows them, and asks for the memory that is left."""

    def read(membership, **groups):
        (tmp_path / "membership").write_text(membership)
        for name, files in groups.items():
            directory = tmp_path / "cgroup" / name.replace("__", "/")
            directory.mkdir(parents=True, exist_ok=True)
            for file, text in files.items():
                (directory / file).write_text(text)
        return preflight.memory_available(tmp_path / "cgroup", tmp_path / "membership")

    return read


def v2(limit, current, cache=0):
    return {
        "memory.max": f"{limit}\n",
        "memory.current": f"{current}\n",
        "memory.stat": f"anon 1\ninactive_file {cache}\nactive_file 7\n",
    }


def v1(limit, usage, cache=0):
    return {
        "memory.limit_in_bytes": f"{limit}\n",
        "memory.usage_in_bytes": f"{usage}\n",
        "memory.stat": f"inactive_file 3\ntotal_inactive_file {cache}\n",
    }


@pytest.mark.parametrize("files", [{}, {".": v2("max", 5)}], ids=["no files", "max"])
def test_without_a_limit_it_is_what_the_machine_has(machine, files):
    free = psutil.virtual_memory().available
    assert machine("0::/\n", **files) == pytest.approx(free, rel=0.2)


def test_a_containers_limit_counts_without_its_page_cache(machine):
    limits = {".": v2(100 * MB, 70 * MB, cache=20 * MB)}
    assert machine("0::/\n", **limits) == 50 * MB


def test_the_tightest_of_nested_groups_counts(machine):
    groups = {"a": v2(90 * MB, 80 * MB), "a__b": v2("max", 0), ".": v2(99 * MB, 0)}
    assert machine("0::/a/b\n", **groups) == 10 * MB


def test_a_name_of_the_host_that_leads_nowhere_still_finds_the_root(machine):
    assert machine("0::/../../docker/1f\n", **{".": v2(60 * MB, 20 * MB)}) == 40 * MB


def test_version_one_counts_too(machine):
    membership = "9:name=systemd:/\n4:cpu,memory:/a\n0::/\n"
    groups = {"memory__a": v1(80 * MB, 50 * MB, cache=MB), "memory": v1(1 << 63, 0)}
    assert machine(membership, **groups) == 31 * MB


def test_more_in_use_than_allowed_is_nothing_left(machine):
    assert machine("0::/\n", **{".": v2(10 * MB, 20 * MB)}) == 0


#: counts for others than root alone; the last two are bytes
LIMITS = ("--nofile=128", "--nproc=100", "--as=4000000000", "--data=300000000")
LIMITED = (
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-ec",
    "echo 3 > /proc/sys/user/max_inotify_instances; "
    f'exec unshare --user --map-user=1000 prlimit {" ".join(LIMITS)} "$@"',
    "sh",
)


def test_each_limit_of_the_account_is_told_with_the_way_out():
    program = (
        "from cluster.preflight import Account\n"
        "for each in Account.read().problems(): print(each.message, each.hint)"
    )
    done = python("-c", program, prefix=LIMITED)
    for expected in (
        "too few open files: 512 needed, 128 available.*`ulimit -n 512`.*limits.conf",
        r"too few processes: \d+ needed, 100 available.*`ulimit -u \d+`",
        "too few inotify instances: 24 needed, 3 available.*sudo sysctl fs.inotify",
        "address space for a program: 13.0 GB needed, 4.0 GB .*`ulimit -v unlimited`",
        "data segment for a program: 0.6 GB needed, 0.3 GB .*`ulimit -d unlimited`",
    ):
        assert re.search(expected, done.stdout), (done.stdout, done.stderr)


def test_the_disk_of_a_path_that_is_not_there_yet_is_its_parents(tmp_path):
    path = tmp_path / "a" / "b"
    free = psutil.disk_usage(str(tmp_path)).free
    assert preflight.disk_available(path) == pytest.approx(free, rel=0.2)
