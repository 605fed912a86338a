"""The workflow of GitHub Actions, as far as it can be judged without running it."""

import itertools
import re

import pytest
import yaml

from tests.notebooks import ROOT


@pytest.fixture
def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github/workflows/notebooks.yml").read_text())


def steps(workflow) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_and_no_credentials_stay(workflow):
    for step in steps(workflow):
        if "uses" in step:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"]), step
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_what_only_root_can_run_is_run_by_root(workflow):
    job = workflow["jobs"]["root"]
    run, direct = (step["run"] for step in job["steps"][-2:])
    assert "container" in job and run.startswith("make full PYTEST_ARGS=")
    assert direct.endswith("-m pytest cluster/tests/whole")
    # The image of a pull request; what is published is built on main alone.
    assert "tests/project/test_image.py" in run
    for name in re.findall(r"[\w/]*tests/\S+\.py", run):
        assert (ROOT / name).exists(), name
    folders = (ROOT / "cluster/tests", ROOT / "tests")
    for file in itertools.chain(*(each.rglob("test_*.py") for each in folders)):
        lines = file.read_text().splitlines()
        if "from cluster.tests import unprivileged" in lines:
            assert str(file.relative_to(ROOT)) in run, file


def test_every_python_that_a_learner_gets_the_lock_on_is_tested(workflow):
    """From the oldest that the set-up takes to the newest that it calls tested."""
    versions = re.findall(r"3, (\d+)\)", (ROOT / "tools/setup.sh").read_text())
    oldest, beyond = (int(minor) for minor in versions[:2])
    matrix = workflow["jobs"]["versions"]["strategy"]["matrix"]["include"]
    tested = {each["python"] for each in matrix if each["packages"] == "lock"}
    tested |= {
        str(step["with"]["python-version"])
        for step in workflow["jobs"]["test"]["steps"]
        if "setup-python" in step.get("uses", "")
    }
    assert tested == {f"3.{minor}" for minor in range(oldest, beyond)}


def test_two_jobs_may_write_and_none_for_a_pull_request(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    jobs = {name: job for name, job in workflow["jobs"].items() if "permissions" in job}
    assert {name: [*job["permissions"]] for name, job in jobs.items()} == {
        "image": ["contents", "packages"],
        "publish": ["pages", "id-token"],
    }
    on_main = "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert {job["if"] for job in jobs.values()} == {on_main}
    # The published site was tested, by a job that runs nothing of this repository.
    assert jobs["publish"]["needs"] == ["site", "root"]
    assert ["run" in step for step in jobs["publish"]["steps"]] == [False]
    # Only programs of GitHub and of Docker have the token, and no lesson.
    having = [step for step in steps(workflow) if "secrets." in str(step)]
    assert all(step in jobs["image"]["steps"] for step in having)
    assert not any("docker run" in step["run"] for step in having)
