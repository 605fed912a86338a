"""The programs of the cluster: where they are looked for, and made if missing."""

import dataclasses
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster import errors, programs
from cluster.programs import check, golang
from cluster.progress import Silent
from cluster.statedir import hold
from cluster.tests.programs import gobox
from cluster.tests.progress import Notes
from cluster.tests.waiting import until


@pytest.fixture
def recipe(source):
    return gobox.recipe(source)


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """A directory in LAB_ASSETS with a genuine program of the right name."""
    directory = tmp_path / "assets"
    directory.mkdir()
    shutil.copy(os.path.realpath("/bin/true"), directory / "hi")
    monkeypatch.setenv("LAB_ASSETS", str(directory))
    return directory


def half_made(cache):
    return list((cache / "build").glob("stage-*"))


# --- where programs are looked for ---


def test_lab_assets_come_first_and_nothing_is_made(
    recipe, assets, tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "none"))
    assert programs.find(recipe) == programs.ensure(Silent(), recipe) == assets
    monkeypatch.delenv("LAB_ASSETS")
    assert programs.find(recipe) is None
    assert not (tmp_path / "none").exists()


def test_lab_assets_without_a_program_is_an_error_that_names_it(
    recipe, assets, monkeypatch
):
    os.truncate(assets / "hi", 10)
    with pytest.raises(errors.IncompleteAssets) as caught:
        programs.find(recipe)
    assert caught.value.problems == {"hi": "is not a Linux program"}
    (assets / "hi").unlink()
    with pytest.raises(errors.IncompleteAssets) as caught:
        programs.ensure(Silent(), recipe)
    assert caught.value.problems == {"hi": "is missing"}
    assert caught.value.directory == assets
    monkeypatch.setenv("LAB_ASSETS", str(assets / "elsewhere"))
    with pytest.raises(errors.IncompleteAssets, match="no such directory"):
        programs.find(recipe)


def test_a_program_that_the_distribution_has_may_be_missing(source, assets):
    hello = {"true": "binaries/hello"}
    own = gobox.recipe(source, programs=hello)
    assert programs.problems(assets, own) == {"true": "is missing"}
    either = gobox.recipe(source, programs=hello, substitute=True)
    assert programs.find(either) == assets


def test_one_process_makes_them_and_others_wait(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("LAB_NO_BUILD", "1")
    made, view = tmp_path / "bin" / recipe.key(), Notes()
    (tmp_path / "build").mkdir(mode=0o700)
    with (
        ThreadPoolExecutor() as pool,
        hold(tmp_path / "build" / "lock", view.shown.clear),
    ):
        waits = pool.submit(programs.ensure, view, recipe)
        until(lambda: "another process gets the programs; waiting" in view.shown)
        made.mkdir(parents=True)
        shutil.copy(os.path.realpath("/bin/true"), made / "hi")
    assert waits.result() == made


# --- building ---


def test_a_build_goes_into_the_cache_and_is_found_there(recipe, cache, monkeypatch):
    monkeypatch.delenv("LAB_KEEP_BUILD_CACHE")
    (cache / "build" / "stage-of-a-killed-build").mkdir()
    made = programs.ensure(Silent(), recipe)
    assert made == cache / "bin" / recipe.key() == programs.find(recipe)
    assert [path.name for path in made.iterdir()] == ["hi"]
    assert check.program_version([made / "hi", "--version"]) == "v1.2.3"
    before = (made / "hi").stat().st_ino
    assert programs.ensure(Silent(), recipe) == made
    assert (made / "hi").stat().st_ino == before
    assert half_made(cache) == []
    # The compiler's gigabytes go.
    assert not (cache / "build" / "compiled").exists()


def test_programs_are_there_as_soon_as_they_are_built(recipe, cache):
    first = recipe.steps[0]
    shutil.copytree(recipe.root / "hello", recipe.root / "later")
    hello = {"ho": "binaries/hello"}
    second = dataclasses.replace(first, lock="later", programs=hello)
    both = dataclasses.replace(recipe, steps=(first, second))

    class Impatient(Silent):
        def update(self, message, detail=""):
            if message == "building 2/2 ho":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        programs.ensure(Impatient(), both)
    [begun] = (cache / "bin" / both.key()).iterdir()
    assert begun.name == "hi"
    before = begun.stat().st_ino
    # The next process goes on where that one ended.
    made = programs.ensure(Silent(), both)
    assert sorted(path.name for path in made.iterdir()) == ["hi", "ho"]
    assert begun.stat().st_ino == before


NAMES = """\
package main

import "os"

var version = "none"

func main() { println(os.Args[0], version) }
"""


def test_names_of_one_package_are_links_to_one_program(cache, tmp_path):
    """It knows by which it is called; downloads have a file for each."""
    gobox.write(tmp_path / "both", NAMES)
    names = {"hi": "binaries/hello", "ho": "binaries/hello"}
    recipe = gobox.recipe(tmp_path / "both", programs=names)
    made = programs.ensure(Silent(), recipe)
    found = {path.name: path.is_symlink() for path in made.iterdir()}
    assert found == {"hello": False, "hi": True, "ho": True}
    # The directory may be moved, or be seen at another place.
    moved = made.rename(tmp_path / "moved")
    for name in names:
        said = subprocess.run([moved / name], capture_output=True, text=True).stderr
        assert said == f"{moved / name} v1.2.3\n"
        assert check.problem(moved / name) is None
    os.truncate(moved / "hello", 1000)
    assert programs.problems(moved, recipe) == dict.fromkeys(names, "is cut short")


def test_programs_of_one_lock_are_built_by_one_call(recipe, cache):
    first = recipe.steps[0]
    second = dataclasses.replace(first, programs={"ho": "binaries/hello/ho"})
    (recipe.root / "hello" / "ho").mkdir()
    shutil.copy(recipe.root / "hello" / "main.go", recipe.root / "hello" / "ho")
    view = Notes()
    both = dataclasses.replace(recipe, steps=(first, second))
    made = programs.ensure(view, both)
    assert {*os.listdir(made)} == {"hi", "ho"}
    assert {line for line in view.shown if "building" in line} == {
        "building 1/1 hi, ho"
    }


def test_a_damaged_program_of_the_cache_is_built_again(recipe, cache):
    made = programs.ensure(Silent(), recipe)
    os.truncate(made / "hi", 1000)
    assert programs.find(recipe) is None
    assert programs.ensure(Silent(), recipe) == made
    assert check.program_version([made / "hi", "--version"]) == "v1.2.3"


def test_a_fault_in_the_source_fails_with_the_compilers_words(cache, tmp_path):
    gobox.write(tmp_path / "wrong", "package main\n\nfunc main() { missing() }\n")
    with pytest.raises(errors.BuildFailed) as caught:
        programs.ensure(Silent(), gobox.recipe(tmp_path / "wrong"))
    assert caught.value.what == "hi"
    assert caught.value.exit_code == 1
    assert "undefined: missing" in caught.value.tail
    assert "undefined: missing" in caught.value.log.read_text()
    assert half_made(cache) == []


def test_without_a_c_compiler_the_distribution_must_have_the_program(
    source, cache, monkeypatch
):
    """Then it is not built; nor is Go fetched, which would be in vain."""
    monkeypatch.setenv("CC", "no-such-compiler")
    with monkeypatch.context() as patch, pytest.raises(errors.MissingTool) as caught:
        patch.setattr(golang, "find", lambda: pytest.fail("Go was looked for"))
        programs.ensure(Silent(), gobox.recipe(source, cgo=True))
    assert "C compiler" in caught.value.tool
    hello = {"true": "binaries/hello"}
    either = gobox.recipe(source, programs=hello, cgo=True, substitute=True)
    assert list(programs.ensure(Silent(), either).iterdir()) == []
