"""How hard a build works, by the memory and disk that are there."""

from pathlib import Path

import pytest

from cluster import errors
from cluster.binaries import effort
from cluster.binaries.recipe import RECIPE
from cluster.binaries.steps import Step
from cluster.binaries.workdir import Workshop

GB = 1_000_000_000


def step(**changes):
    return Step("m", "example.com/m", "v1.0.0", {"m": "example.com/m"}, **changes)


def test_too_little_memory_is_an_error_that_tells_how_much():
    with pytest.raises(errors.NotEnough) as caught:
        effort.choose([step(memory=10), step(memory=GB)], GB, 8)
    assert caught.value.what == "memory"
    assert caught.value.needed == GB + effort.GO_ITSELF
    assert caught.value.available == GB


def test_little_memory_means_one_compiler_that_keeps_itself_small():
    least = GB + effort.GO_ITSELF
    assert effort.choose([step(memory=GB)], least, 8) == effort.Effort(1)


def test_more_memory_means_more_compilers_up_to_the_processors():
    enough = effort.LAVISH_MEMORY
    chosen = [
        effort.choose([step()], enough + more * effort.FURTHER, 4)
        for more in (0, 1, 2, 3, 99)
    ]
    assert [effort.compilers for effort in chosen] == [1, 2, 3, 4, 4]
    assert all(effort.env["GOGC"] == "off" for effort in chosen)


def test_all_of_it_builds_with_one_gigabyte_and_faster_with_two():
    assert effort.choose(RECIPE.steps, GB, 2) == effort.Effort(1)
    assert effort.choose(RECIPE.steps, 2 * GB, 2).compilers == 2


@pytest.fixture
def workshop(tmp_path):
    (tmp_path / "build").mkdir()
    return Workshop(tmp_path / "build")


def test_what_stays_adds_up_and_what_passes_does_not(workshop, tmp_path):
    steps = [step(disk=10_000, passing=300), step(disk=5_000, passing=700)]
    assert effort.Room.of(steps, workshop, tmp_path).build == 15_700


def test_what_is_there_already_needs_no_disk(workshop, tmp_path):
    steps = [step(disk=10_000, sources=500)] * 2
    room = effort.Room.of(steps, workshop, tmp_path / "modules")
    # Two steps, one upstream.
    assert (room.build, room.sources) == (20_000, 500)
    workshop.compiled.mkdir()
    (workshop.compiled / "package").write_bytes(bytes(6000))
    (tmp_path / "modules" / "example.com" / "m@v1.0.0").mkdir(parents=True)
    room = effort.Room.of(steps, workshop, tmp_path / "modules")
    assert (room.build, room.sources) == (14_000, 0)


def test_a_full_disk_is_an_error_that_names_the_variable(workshop, tmp_path):
    room = effort.Room(workshop, 10**15, tmp_path / "modules", 10**15)
    with pytest.raises(errors.NotEnough) as caught:
        room.check()
    # One disk for both: their sum is asked of it.
    assert caught.value.needed == 2 * 10**15
    assert "LAB_CACHE_DIR" in caught.value.way_out


def test_another_disk_for_the_sources_is_asked_for_them_alone(workshop):
    room = effort.Room(workshop, 0, Path("/proc/modules"), 10**15)
    with pytest.raises(errors.NotEnough) as caught:
        room.check()
    assert caught.value.needed == 10**15
    assert "GOMODCACHE" in caught.value.way_out


def test_running_out_gives_back_what_was_compiled(workshop, tmp_path):
    workshop.compiled.mkdir()
    room = effort.Room(workshop, 1000, tmp_path, 0)
    assert room.ran_out().needed == 1000
    assert not workshop.compiled.exists()
