"""A failed build is explained with its log and a hint."""

import pytest

from cluster.programs import build
from cluster.programs.build import WorkDir
from cluster.programs.recipe import Step
from cluster.progress import Silent


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("write /c/b: no space left on device", "LAB_CACHE_DIR"),
        ("compile: signal: killed", "3 GB of memory"),
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
    failure = built._failure(1, f"go: downloading m\n{output}\n")
    assert failure.tail.endswith(output) and hint in failure.hint
    # Gigabytes on a disk that is full are given back.
    assert work.compiled.exists() == ("space" not in output)
