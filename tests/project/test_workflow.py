"""The workflows of GitHub Actions, judged as far as that goes without running them."""

import itertools
import os
import re
import subprocess

import pytest
import yaml

from cluster.machine import apparmor
from cluster.programs import golang
from tests.notebooks import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
#: actionlint, of the module proxy; `make lint` runs it where this test has made it
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
MADE = ROOT / "build" / "actionlint"
#: a lesson in a pod, which fails where no pod can run
LESSON = "-m pytest --no-skips notebooks/05-inside-a-pod.ipynb"


@pytest.fixture
def workflow() -> dict:
    return yaml.safe_load((WORKFLOWS / "notebooks.yml").read_text())


@pytest.fixture
def release() -> dict:
    return yaml.safe_load((WORKFLOWS / "release.yml").read_text())


def steps(workflow) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", [path.name for path in WORKFLOWS.glob("*.yml")])
def test_actions_are_pinned_and_no_credentials_stay(name):
    for step in steps(yaml.safe_load((WORKFLOWS / name).read_text())):
        if "uses" in step:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"]), step
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_dependabot_finds_each_lock_and_the_dockerfile():
    """By their names: it reads `*.txt`, `go.mod` and `Dockerfile*`."""
    found = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    read = {one["package-ecosystem"]: one for one in found}
    assert read.keys() == {"github-actions", "pip", "gomod", "docker"}
    [locks] = read["gomod"]["directories"]
    folders = {path.parent for path in ROOT.glob("cluster/**/go.mod")}
    assert folders == {path.parent for path in ROOT.glob(f"{locks[1:]}/go.mod")}
    assert [*ROOT.glob(f"{read['docker']['directory'][1:]}/Dockerfile")]
    assert len([*ROOT.glob("requirements*.txt")]) == 3


@pytest.mark.parametrize("name", [path.name for path in WORKFLOWS.glob("*.yml")])
def test_a_cluster_on_ubuntu_has_the_profile_of_a_learners(name):
    """The machine keeps its protection: what the page tells learners is what runs."""
    page = (ROOT / "cluster/docs/cluster.md").read_text()
    [command] = re.findall(r"^\.venv/bin/kapi apparmor \|[^`]*", page, re.MULTILINE)
    jobs = yaml.safe_load((WORKFLOWS / name).read_text())["jobs"]
    for job in (job for job in jobs.values() if "LAB_BACKEND" in job.get("env", {})):
        runs = [step.get("run", "") for step in job["steps"]]
        [loads] = [n for n, run in enumerate(runs) if run == " ".join(command.split())]
        assert "make venv" in runs[:loads]
        words = r"make (setup|full|test|site)|-m (helpers|pytest)"
        assert not re.search(words, "\n".join(runs[:loads]))
    switched = [name for name in jobs if "restrict_unprivileged" in str(jobs[name])]
    # Their container has an AppArmor that knows no such profile.
    assert set(switched) <= {"root", "machines"}


def test_what_only_root_can_run_is_run_by_root(workflow):
    """On each push; the next test has what runs each week."""
    job = workflow["jobs"]["root"]
    run, direct = (step["run"] for step in job["steps"][-2:])
    assert "container" in job and run.startswith("make full PYTEST_ARGS=")
    # It judges its skips, as `make full` does.
    assert direct.endswith("-m pytest cluster/tests/whole --no-skips")
    for name in re.findall(r"[\w/]*tests/\S+\.py", run):
        assert (ROOT / name).exists(), name
    folders = (ROOT / "cluster/tests", ROOT / "tests")
    for file in itertools.chain(*(each.rglob("test_*.py") for each in folders)):
        lines = file.read_text().splitlines()
        if "from cluster.tests import unprivileged" in lines:
            assert str(file.relative_to(ROOT)) in run, file


def test_each_week_a_machine_runs_what_others_run():
    watch = yaml.safe_load((WORKFLOWS / "watch.yml").read_text())
    # YAML 1.1 reads `on` as a truth.
    assert [each["cron"].split()[-1] for each in watch[True]["schedule"]] == ["1"]
    job = watch["jobs"]["machines"]
    assert "container" in job and job["steps"][-1]["run"] == "make machines"


@pytest.mark.parametrize("name", [path.name for path in WORKFLOWS.glob("*.yml")])
def test_no_limit_is_below_what_a_run_may_take(name):
    """The one number is the budget of the Makefile; a run may take 1.5 times it."""
    text = (ROOT / "Makefile").read_text()
    budgets = {
        word: float(minutes)
        for word, minutes in re.findall(
            r"^(\w+):.*\n(?:\t.*\n)*?\t@\$\(TESTS\).*--budget (\d+)", text, re.MULTILINE
        )
    }
    assert {"test", "full", "quick"} == budgets.keys()
    for job in yaml.safe_load((WORKFLOWS / name).read_text())["jobs"].values():
        limits = [step.get("timeout-minutes", 0) for step in job["steps"]]
        assert max(limits, default=0) <= job["timeout-minutes"]
        for step in job["steps"]:
            for word in re.findall(r"\bmake (\w+)", step.get("run", "")):
                assert step["timeout-minutes"] >= 1.5 * budgets.get(word, 0), step


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
    assert jobs["image"]["if"] == on_main
    assert jobs["publish"]["if"] == f"{on_main} && vars.PAGES != 'no'"
    # The published site was tested, by a job that runs nothing of this repository.
    assert jobs["publish"]["needs"] == ["site", "root"]
    assert ["run" in step for step in jobs["publish"]["steps"]] == [False]
    # Only programs of GitHub and of Docker have the token, and no lesson.
    having = [step for step in steps(workflow) if "secrets." in str(step)]
    assert all(step in jobs["image"]["steps"] for step in having)
    assert not any("docker run" in step["run"] for step in having)


def test_a_tag_publishes_what_runs_and_nothing_before_all_of_it_is_there(release):
    # YAML 1.1 reads `on` as a truth.
    assert release[True] == {"push": {"tags": ["v*"]}}
    assert release["permissions"] == {"contents": "read"}
    jobs = release["jobs"]
    assert jobs["publish"]["needs"] == ["archive", "wheel", "image", "site"]
    shown = [name for name in jobs if "--draft=false" in str(jobs[name])]
    moving = [name for name in jobs if "imagetools create" in str(jobs[name])]
    assert shown == moving == ["publish"]
    # Each of them runs a lesson, or what it has made, before anybody gets it.
    for name, tried in (
        ("archive", LESSON),
        ("image", LESSON),
        ("wheel", "installed/bin/kubernetes-api-notebooks"),
        ("site", "make site"),
    ):
        runs = [step.get("run", "") for step in jobs[name]["steps"]]
        [trial] = [place for place, run in enumerate(runs) if tried in run]
        [gone] = [n for n, run in enumerate(runs) if re.search("upload|push", run)]
        assert trial < gone
    assert "docker run --rm $OPTIONS" in str(jobs["image"])


@pytest.mark.parametrize("name", ["notebooks.yml", "release.yml"])
def test_nothing_is_published_by_a_lesson_that_was_skipped(name):
    """Without a pod every cell of it is, and pytest calls that a success."""
    text = (WORKFLOWS / name).read_text()
    assert text.count("-m pytest ") - text.count("pytest cluster/") == text.count(
        LESSON
    )
    assert text.count(LESSON) >= 1


def test_namespaces_of_a_container_on_ubuntu_have_the_profile_that_is_loaded(release):
    """`unconfined` is the label that Ubuntu restricts."""
    job = release["jobs"]["image"]
    [options] = [
        each["options"]
        for each in job["strategy"]["matrix"]["include"]
        if each["options"]
    ]
    [profile] = re.findall(r"apparmor=(\S+)", options)
    runs = [step.get("run", "") for step in job["steps"]]
    [loaded] = [place for place, run in enumerate(runs) if "apparmor_parser" in run]
    [used] = [place for place, run in enumerate(runs) if "$OPTIONS" in run]
    assert loaded < used
    assert runs[loaded].endswith(f"apparmor_parser -r /etc/apparmor.d/{profile}")
    assert profile == apparmor.FILE.name


def test_only_programs_of_others_have_the_token_of_a_release(release):
    """No step runs a word of this repository with it, but the list of tags."""
    having = [step for step in steps(release) if "secrets." in str(step)]
    assert len(having) >= 8
    for step in having:
        runs = step["run"].replace("python3 -m tools.release tags", "")
        assert not re.search(r"docker (run|build )|make|python|pytest", runs), step


@pytest.mark.full("the workflows")
@pytest.mark.skipif(golang.find() is None, reason="no Go here")
def test_actionlint_finds_nothing(tmp_path):
    """Expressions, contexts, the shell's quotes where shellcheck is there."""
    go = golang.find()
    program = MADE / "bin" / "actionlint"
    if not program.exists():
        places = {"GOPATH": tmp_path, "GOCACHE": tmp_path, "GOBIN": program.parent}
        settings = os.environ | {name: str(place) for name, place in places.items()}
        # What is only readable, pytest could not remove.
        settings["GOFLAGS"] = "-mod=mod -modcacherw"
        line = [go.path, "install", ACTIONLINT]
        subprocess.run(line, cwd="/", env=settings, check=True)
    found = subprocess.run([program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert (found.stdout, found.returncode) == ("", 0)
