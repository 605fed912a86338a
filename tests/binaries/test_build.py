"""How hard a build works, by the memory and disk that are there, and what it shows."""

from pathlib import Path

import pytest

from cluster import errors
from cluster.binaries import build
from cluster.binaries.recipe import RECIPE, Step
from cluster.binaries.workdir import WorkDir
from tests.progress import Notes

GB = 1_000_000_000


def step(**changes):
    return Step("m", "example.com/m", "v1.0.0", {"m": "example.com/m"}, **changes)


def test_too_little_memory_is_an_error_that_tells_how_much():
    with pytest.raises(errors.NotEnough) as caught:
        build.parallelism([step(memory=10), step(memory=GB)], GB, 8)
    assert caught.value.what == "memory"
    assert caught.value.needed == GB + build.GO_ITSELF
    assert caught.value.available == GB


def test_more_memory_means_more_compilers_up_to_the_processors():
    enough = build.GC_OFF_MEMORY
    chosen = [
        build.parallelism([step()], enough + more * build.COMPILER_MEMORY, 4)
        for more in (0, 1, 2, 3, 99)
    ]
    assert [compilers for compilers, _ in chosen] == [1, 2, 3, 4, 4]
    assert all(settings["GOGC"] == "off" for _, settings in chosen)


@pytest.mark.parametrize(
    ("compilers", "processors", "threads"),
    [(1, 1, "1"), (1, 2, "2"), (2, 2, "1"), (4, 4, "1"), (2, 8, "4"), (8, 8, "2")],
)
def test_compilers_at_once_share_the_processors(compilers, processors, threads):
    memory = build.GC_OFF_MEMORY + (compilers - 1) * build.COMPILER_MEMORY
    chosen, settings = build.parallelism([step()], memory, processors)
    assert (chosen, settings["GOMAXPROCS"]) == (compilers, threads)


def test_all_of_it_builds_with_one_gigabyte_and_faster_with_two():
    assert build.parallelism(RECIPE.steps, GB, 2) == (1, {})
    assert build.parallelism(RECIPE.steps, 2 * GB, 2)[0] == 2


@pytest.fixture
def work(tmp_path):
    (tmp_path / "build").mkdir()
    return WorkDir(tmp_path / "build")


def test_programs_add_up_temporary_files_do_not_and_what_is_there_is_free(
    work, tmp_path
):
    modules = tmp_path / "modules"
    steps = [step(disk=10_000, sources=500), step(disk=5_000, sources=500)]
    space = build.DiskSpace.needed(steps, work, modules)
    # Two steps, one upstream.
    assert (space.build, space.sources) == (25_000, 500)
    work.compiled.mkdir()
    (work.compiled / "package").write_bytes(bytes(6000))
    (modules / "example.com" / "m@v1.0.0").mkdir(parents=True)
    space = build.DiskSpace.needed(steps, work, modules)
    assert (space.build, space.sources) == (19_000, 0)


def test_a_full_disk_is_an_error_that_names_the_variable(work, tmp_path):
    with pytest.raises(errors.NotEnough) as caught:
        build.DiskSpace(work, 10**15, tmp_path / "modules", 10**15).check()
    # One disk for both: their sum is asked of it.
    assert caught.value.needed == 2 * 10**15
    assert "LAB_CACHE_DIR" in caught.value.way_out
    with pytest.raises(errors.NotEnough) as caught:
        build.DiskSpace(work, 0, Path("/proc/modules"), 10**15).check()
    assert caught.value.needed == 10**15
    assert "GOMODCACHE" in caught.value.way_out


def test_running_out_gives_back_what_was_compiled(work, tmp_path):
    work.compiled.mkdir()
    assert build.DiskSpace(work, 1000, tmp_path, 0).ran_out().needed == 1000
    assert not work.compiled.exists()


def test_the_last_line_of_the_log_is_shown_and_stays_for_a_while(tmp_path):
    """A log keeps every line that differs from the one before."""
    log, view = tmp_path / "log", Notes()
    log.write_text("")
    begun = build._LastLine(view, "building 1/5 etcd", log)
    begun(0)
    log.write_text("go: downloading k8s.io/api v0.37.2\n")
    begun(0)
    build._LastLine(view, "building 1/5 etcd", log)(0)
    first, second, third = view.shown
    assert first == second == "building 1/5 etcd"
    assert third == "building 1/5 etcd: go: downloading k8s.io/api v0.37.2"
