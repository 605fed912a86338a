"""The user namespace maps the ids that this user may map."""

import os
import subprocess
from pathlib import Path

import pytest

from cluster.machine import idmap
from cluster.machine.idmap import IdFacts, Map, Row

USER = {"uid": 1000, "gid": 100, "privileged": False}
GRANTED = {"subuid": (100000, 65536), "subgid": (200000, 65536)}
SINGLE = Map("single", (Row(0, 1000, 1),), (Row(0, 100, 1),))
WIDE = Map(
    "newuidmap",
    (Row(0, 1000, 1), Row(1, 100000, 65535)),
    (Row(0, 100, 1), Row(1, 200000, 65535)),
)


ROOT = {"uid": 0, "gid": 0}


def root_of(*rows: Row, way: str = "direct") -> Map:
    return Map(way, rows, rows)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # The host's root is nobody inside, whatever else it may.
        (
            IdFacts(**ROOT, privileged=True, unused=655360),
            root_of(Row(0, 655360, 65536)),
        ),
        (
            IdFacts(**ROOT, privileged=False, unused=655360),
            root_of(Row(0, 655360, 65536)),
        ),
        # Root of a container with few ids.
        (IdFacts(**ROOT, privileged=True, available=1000), root_of(Row(0, 0, 1000))),
        # Root of the namespace that newuidmap has mapped: two rows, and no wider.
        (
            IdFacts(**ROOT, privileged=True, available=70000, starts=(0, 1)),
            root_of(Row(0, 0, 1), Row(1, 1, 65535)),
        ),
        # Root of a container without CAP_SETUID may map itself only.
        (
            IdFacts(**ROOT, privileged=False, available=1000),
            root_of(Row(0, 0, 1), way="single"),
        ),
        (IdFacts(**USER), SINGLE),
        (IdFacts(**USER, **GRANTED, has_newuidmap=True), WIDE),
        (IdFacts(**USER, **GRANTED, has_newuidmap=False), SINGLE),
        (IdFacts(**USER, **GRANTED, has_newuidmap=True, no_new_privs=True), SINGLE),
        (IdFacts(**USER, subuid=(100000, 65536), has_newuidmap=True), SINGLE),
        (
            IdFacts(**USER, subuid=(5, 1000), subgid=(6, 500000), has_newuidmap=True),
            Map(
                "newuidmap",
                (Row(0, 1000, 1), Row(1, 5, 1000)),
                (Row(0, 100, 1), Row(1, 6, 65535)),
            ),
        ),
    ],
)
def test_the_widest_map_that_is_allowed(facts, expected):
    assert idmap.decide(facts) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learner:100000:65536\n", (100000, 65536)),
        ("1000:5:10\n", (5, 10)),
        ("other:1:2\nlearner:3:4\n", (3, 4)),
        ("learner:3:4\nlearner:100000:65536\n", (100000, 65536)),
        ("learner:three:4\nlearner:3\n\nlearner:9:0\n", None),
        ("", None),
    ],
)
def test_the_widest_range_of_subuid_counts_and_broken_lines_do_not(text, expected):
    assert idmap.granted_range(text, "learner", 1000) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([Row(0, 0, 4294967295)], 4294967295),
        ([Row(0, 1000, 1)], 1),
        ([Row(1, 100000, 65535), Row(0, 1000, 1)], 65536),
        ([Row(0, 1000, 1), Row(100, 100000, 65535)], 1),
        ([Row(5, 5, 10)], 0),
        ([], 0),
    ],
)
def test_ids_are_counted_up_to_the_first_gap(rows, expected):
    assert idmap.count_available(rows) == expected


def test_rows_begin_where_one_of_either_map_does():
    uids = [Row(1, 100000, 65535), Row(0, 1000, 1)]
    gids = [Row(0, 0, 70000), Row(70000, 1, 5)]
    assert idmap.row_starts([uids, gids], 65536) == (0, 1)


@pytest.mark.parametrize("state", ["/home/ann/state", "/root/state", "/x\udcff"])
def test_root_gets_a_block_that_no_account_has_an_id_of(state):
    first = idmap.unused_block(state, [])
    assert first % 65536 == 0 and 524288 <= first < 2**31
    assert idmap.unused_block(state, []) == first
    for taken in (range(first + 7, first + 8), range(first - 1, first + 1)):
        other = idmap.unused_block(state, [taken])
        assert other != first
        assert not set(range(other, other + 65536)) & set(taken)


def test_two_directories_have_different_blocks():
    assert (
        len({idmap.unused_block(f"/state/{number}", []) for number in range(20)}) == 20
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can map what it has not")
def test_root_gets_no_block_of_a_running_machine():
    """No two clusters share a block: their pods would be one account."""
    first = idmap.read_facts("/state").unused
    command = ["unshare", "--user", "sh", "-c", "echo; read end"]
    ends = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **ends) as other:
        other.stdout.readline()
        Path(f"/proc/{other.pid}/uid_map").write_text(f"0 {first} 65536")
        during = idmap.read_facts("/state").unused
        other.communicate(b"\n")
    assert first != during
    assert idmap.read_facts("/state").unused == first


@pytest.mark.parametrize("lacks", ["", "SETGID", "SETUID", "SYS_ADMIN"])
def test_root_of_a_sandbox_may_lack_any_of_three_capabilities(monkeypatch, lacks):
    numbers = {"SETGID": 6, "SETUID": 7, "SYS_ADMIN": 21}
    effective = sum(1 << bit for name, bit in numbers.items() if name != lacks)
    status = {"CapEff": f"{effective:016x}"}
    monkeypatch.setattr(idmap.os, "geteuid", lambda: 0)
    monkeypatch.setattr(idmap, "_status", lambda: status)
    assert idmap.read_facts("/state").privileged is (not lacks)
