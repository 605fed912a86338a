"""A failed build is explained with its log and a hint."""

import re

import pytest

from cluster.programs import build, golang
from cluster.programs.build import WorkDir
from cluster.programs.recipe import RECIPE, Step
from cluster.progress import Silent
from cluster.tests.progress import Notes


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("write /c/b: no space left on device", " GB free: make room, or name"),
        ("compile: signal: killed", " GB are free now: close other programs"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "GOPROXY"),
        ("main.go:3:2: undefined: x", "The whole output"),
    ],
)
def test_a_failure_has_the_words_of_go_and_what_helps(tmp_path, output, hint):
    work = WorkDir(tmp_path)
    work.compiled.mkdir()
    step = Step("m", "example.com/m", "v1.0.0", {"m": "example.com/m"})
    built = build.Build(
        step=step,
        label="building 1/1 m",
        source=tmp_path,
        tools=None,
        work=work,
        stage=tmp_path,
        compilers=1,
        progress=Silent(),
    )
    failure = built._failure(1, f"go: downloading m\n{output}\nk8s.io/api/core/v1\n")
    assert failure.tail.endswith(output) and hint in failure.hint
    # Gigabytes on a disk that is full are given back.
    assert work.compiled.exists() == ("space" not in output)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ((0, 0, 0, 5.0), ""),
        ((0, 0, 900, 5.0), ""),
        ((12, 0, 900, 5.0), "12 modules fetched"),
        ((12, 45, 900, 2.0), "45 of 900 packages"),
        ((12, 300, 900, 100.0), "300 of 900 packages, about 200 s left"),
        ((12, 900, 900, 300.0), "all 900 packages, linking"),
    ],
)
def test_a_build_says_how_far_it_is(state, said):
    assert build.describe_build(*state) == said


def test_packages_are_counted_as_go_names_them(tmp_path):
    """Not those of an earlier step, not the words of a compiler, no half a line."""
    log = tmp_path / "log"
    log.write_text("building 1/2 a\nearlier/package\n")
    compiled = build.Compiled(log, log.stat().st_size, 3)
    assert compiled.detail() == ""
    with log.open("a") as file:
        file.write("go: downloading k8s.io/api v0.37.2\ninternal/abi\nk8s.io/api/core")
        file.flush()
        assert compiled.detail() == "1 of 3 packages"
        file.write("/v1\n# k8s.io/api\nwarning: a word\n")
        file.flush()
        assert compiled.detail() == "2 of 3 packages"


@pytest.mark.full("compiles Go's own library and a program")
def test_a_build_counts_to_the_number_that_was_said(tmp_path):
    """By the genuine Go; a second build of the same compiles nothing, and says none."""
    go = golang.find()
    if go is None:
        pytest.skip("no Go here")
    view = Notes()
    steps = build.merge_by_lock(RECIPE.steps)
    step = next(one for one in steps if one.lock == "cni")
    (tmp_path / "root").mkdir()
    work = WorkDir(tmp_path / "root")
    work.log.write_text("")
    for _ in range(2):
        stage = work.stage()
        build.Build(
            step=step,
            label="building 1/1 cni",
            source=RECIPE.root / step.lock,
            tools=build.Tools(go, None, False),
            work=work,
            stage=stage,
            compilers=build.compilers(),
            progress=view,
        ).run(stage)
    counts = [
        re.match(r"(?:all )?(\d+)(?: of (\d+))? packages", one) for one in view.details
    ]
    pairs = [(int(one[1]), int(one[2] or one[1])) for one in counts if one]
    [whole] = {every for _, every in pairs}
    assert pairs == sorted(pairs) and pairs[-1] == (whole, whole) and whole > 100
    assert f"all {whole} packages, linking" in view.details
