"""An interrupted run goes on, and one that has ended begins anew."""

import json
from pathlib import Path

import pytest

from cluster.tests.conformance import run
from cluster.tests.conformance.specs import Spec

A, B = Spec("[sig-node] A"), Spec("[sig-node] B", serial=True)


def line(spec, state):
    row = {"name": spec.name, "state": state, "seconds": 1.0, "reason": ""}
    return json.dumps(row) + "\n"


@pytest.fixture
def work(tmp_path):
    """Return a run in which one spec has failed, and the other has not ended."""
    (tmp_path / "outcomes.jsonl").write_text(line(A, "failed") + line(B, "passed")[:9])
    return run.Work(tmp_path, 12.0, 3e9)


def test_a_spec_that_has_ended_is_not_run_again(work):
    work.prepare([A, B], again=False)
    assert {*work.outcomes()} == {A.name}
    assert (work.minutes, work.memory) == (12.0, 3e9)


@pytest.mark.parametrize("again, kept", [(False, set()), (True, {B.name})])
def test_after_the_end_all_are_run_or_those_that_failed(work, again, kept):
    with open(work.directory / "outcomes.jsonl", "a") as file:
        file.write("\n" + line(B, "passed"))
    work.prepare([A, B], again=again)
    assert {*work.outcomes()} == kept
    assert work.minutes == (12.0 if again else 0.0)


def test_a_run_keeps_its_facts_and_an_older_one_of_here_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    with run.begin("one") as work:
        work.minutes = 7.0
        work.save()
    with run.begin("one") as work:
        assert (work.minutes, work.memory, work.outcomes()) == (7.0, 0.0, {})
    with run.begin("two", "debian-13") as work:
        assert work.minutes == 0.0
    assert (tmp_path / "machines/conformance-run/one").exists()
    with run.begin("two") as work:
        assert work.minutes == 0.0
    assert not (tmp_path / "machines/conformance-run/one").exists()


def test_a_changed_suite_image_program_or_cluster_is_another_run(monkeypatch, tmp_path):
    names = [Path("suite"), Path("images.tar"), Path("programs")]
    (tmp_path / "cluster/local").mkdir(parents=True)
    (tmp_path / "cluster/tests").mkdir()
    (tmp_path / "cluster/local/init.py").write_text("a")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    keys = [run.key(*names)]
    (tmp_path / "cluster/tests/test_init.py").write_text("no part of a cluster")
    assert run.key(*names) == keys[0]
    (tmp_path / "cluster/local/init.py").write_text("b")
    keys.append(run.key(*names))
    for place in range(3):
        changed = [Path("other") if n == place else x for n, x in enumerate(names)]
        keys.append(run.key(*changed))
    assert len({*keys}) == 5
