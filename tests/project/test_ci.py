"""The page on CI: its lines are run as they are written, from a wheel alone.

Nothing of this checkout is in reach: a directory of its own, an environment of its own.
"""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

from cluster import paths
from cluster.tests.existing.servers import WITHOUT_POLICIES, Audited
from helpers.course import lessons
from tests.notebooks import FILES, ROOT, file_of, load, tagged
from tests.project.test_wheel import run_apart, wheel as wheel

PAGE = (ROOT / "docs/ci.md").read_text("utf-8")
#: the languages of the blocks of the page, and their text
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL, OWN = (text for kind, text in BLOCKS if kind == "sh")
GITHUB, GITLAB = (yaml.safe_load(text) for kind, text in BLOCKS if kind == "yaml")
TEACHER = "lessons/teacher"
PYTEST = ("pytest", "--nbval-lax", "--nbval-current-env", "--color=no", "-rs")
#: seconds for what a block starts: environment, cluster, nine lessons
LIMIT = 1800
NO_ANSWER = re.compile(r"^NotSolved: .+", re.MULTILINE)

elsewhere = pytest.mark.machines("a job of somebody's CI, its packages from an index")


def commands_of(steps):
    """Return the lines of shell of a job, each once."""
    return [line.strip() for step in steps for line in step.splitlines()]


def test_the_page_is_read_in_four_minutes():
    assert len(PAGE.split()) <= 900


def test_every_file_of_the_page_has_the_lines_of_the_shell():
    """But for those that a runner's own machine needs."""
    wanted = [line for line in SHELL.splitlines() if not line.startswith("PATH=")]
    # The machine goes with the job.
    wanted.remove("kapi delete --yes")
    [job] = GITHUB["jobs"].values()
    github = commands_of([step["run"] for step in job["steps"] if "run" in step])
    gitlab = commands_of(GITLAB["lessons"]["script"])
    for found in (github, gitlab):
        assert [line for line in found if line in wanted] == wanted
    others = {*github, *gitlab} - {*wanted}
    names = r"sudo |apt-get |kapi apparmor|echo \"\$PWD|PATH="
    assert [line for line in others if not re.match(names, line)] == []


def test_a_job_of_our_own_workflow_runs_the_page():
    text = (ROOT / ".github/workflows/notebooks.yml").read_text("utf-8")
    job = yaml.safe_load(text)["jobs"]["page"]
    commands = commands_of([step["run"] for step in job["steps"] if "run" in step])
    [reads] = [line for line in commands if "docs/ci.md" in line]
    script = reads.replace("$PACKAGE", str(ROOT)).partition(" >")[0]
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert done.stdout == SHELL and "sh -eu page.sh" in commands


def test_what_the_page_says_of_pods_is_so():
    """The lessons that it names as those without pods."""
    [found] = re.findall(r"lessons without pods: .*?-->([\d, ]+)<", PAGE)
    assert found.split(", ") == [one.number for one in lessons() if not one.pods]


# --- From a wheel alone ---------------------------------------------------------------


class Door:
    """A directory with an environment of the wheel, and a state directory."""

    def __init__(self, folder: Path, home: Path, state: str) -> None:
        self.folder, self.home, self.state = folder, home, state

    def run(self, *command, code=None, **settings):
        """Run a command there; compare its exit code, if one is given."""
        place = f"{self.folder}/lessons-env/bin{os.pathsep}{os.environ['PATH']}"
        settings = {"LAB_STATE_DIR": self.state, "PATH": place} | settings
        done = run_apart(command, self.folder, self.home, LIMIT, **settings)
        print(done.stdout[-9000:])
        assert code is None or done.returncode == code
        return done

    def test(self, *words, code, **settings):
        """Run pytest as the page does; return its counts and its output."""
        done = self.run(*PYTEST, *words, code=code, **settings)
        last = done.stdout.rstrip().splitlines()[-1]
        pairs = re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", last)
        return {word: int(count) for count, word in pairs}, done.stdout

    def lessons(self, *numbers):
        """Return the files of lessons by their numbers, for teachers in English."""
        paths_of = {one.number: one.path for one in lessons()}
        return [f"{TEACHER}/{paths_of[number]}" for number in numbers]


@pytest.fixture(scope="module")
def page(wheel, tmp_path_factory):
    """Return a directory in which the lines of the page were run, and their output."""
    folder = tmp_path_factory.mktemp("page")
    # Not there: the name of a unix socket is short.
    with tempfile.TemporaryDirectory(prefix="lab-") as state:
        door = Door(folder, tmp_path_factory.mktemp("home"), f"{state}/ours")
        try:
            done = door.run(
                "sh", "-euc", SHELL, PACKAGE=str(wheel), LAB_BACKEND="local"
            )
            door.output, door.code = done.stdout, done.returncode
            yield door
        finally:
            # Also of a run that was interrupted.
            door.run("kapi", "delete", "--yes")


@pytest.fixture
def local(page):
    """Return the same directory while a local cluster runs; delete the cluster."""
    page.run("kapi", "up", code=0, LAB_BACKEND="local")
    yield page
    page.run("kapi", "delete", "--yes", code=0)


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_the_lines_of_the_page_pass(page):
    assert page.code == 0, page.output
    code = sum(
        cell["cell_type"] == "code"
        for path in FILES
        if path.name.startswith("0") and "deeper" not in path.parts
        for cell in load(path)["cells"]
    )
    assert f"\n{code} passed" in re.sub(r"=+ (?=\d)", "", page.output)
    assert "skipped" not in page.output and "deleted" in page.output


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_without_solutions_each_check_fails_with_its_sentence(local):
    """Nothing else does, and nothing is noted as a learner's attempt."""
    numbers = ("00", "02", "06")
    files = [name.replace("teacher", "student") for name in local.lessons(*numbers)]
    counts, output = local.test(*files, code=1)
    checks = [
        cell
        for path in FILES
        if path.name[:2] in numbers
        for cell in tagged(load(path), "check")
    ]
    assert counts["failed"] == len(checks) == len(NO_ANSWER.findall(output))
    assert "Traceback (most" not in output and "site-packages" not in output
    assert not Path(local.state, paths.PROGRESS).exists()


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_a_lesson_of_one_s_own_is_exported_and_run(local):
    """The template's lines on the page; what is broken in it is said in one line."""
    done = local.run("sh", "-euc", OWN, code=0)
    assert "5 passed" in done.stdout
    counts, output = local.test("class/student/my-lesson.ipynb", code=1)
    assert counts == {"failed": 1, "passed": 4}
    assert "NotSolved: There is no ConfigMap colors in this namespace yet." in output
    file = local.folder / "my-lesson.ipynb"
    broken = file.read_text().replace('== \\"ConfigMap\\"', '== \\"Secret\\"')
    file.with_name("broken.ipynb").write_text(broken)
    counts, output = local.test("broken.ipynb", code=1)
    assert "`answer['kind'] == 'Secret'` is false: `'ConfigMap' == 'Secret'`" in output
    # Its check is noted under the lesson's own name.
    file.write_text(file.read_text().replace("%%sh\\nkubectl get configmaps", "1"))
    local.run("jupyter", "execute", "--allow-errors", "my-lesson.ipynb")
    [line] = Path(local.state, paths.PROGRESS).read_text().splitlines()
    noted = json.loads(line)
    assert (noted["lesson"], noted["exercise"]) == ("my-lesson", "write_colors")


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_on_a_named_cluster_what_needs_an_administrator_is_skipped(local):
    """Every other cell passes; lesson 23 brings an API server of its own."""
    theirs = f"{local.state}/kubeconfig"
    document = yaml.safe_load(Path(theirs).read_text())
    ours = {"LAB_STATE_DIR": f"{local.state}-named"}
    context = ("--context", document["current-context"])
    local.run("kapi", "use", "--kubeconfig", theirs, *context, "--yes", code=0, **ours)
    numbers = ("00", "02", "05", "21", "25")
    counts, output = local.test(*local.lessons(*numbers), code=0, **ours)
    files = [path for path in FILES if path.name[:2] in numbers]
    refused = [cell for path in files for cell in tagged(load(path), "needs-lab")]
    assert counts["skipped"] == len(refused) > 0
    assert "needs an administrator's rights" in output
    local.run("kapi", "delete", "--yes", code=0, **ours)


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_without_a_node_lessons_of_pods_fail_in_one_sentence(page):
    """The others pass but for the cells that the page names."""
    bare = {"LAB_STATE_DIR": f"{page.state}-bare"}
    alone = {"LAB_BACKEND": "control-plane", "LAB_NODE": "none"}
    page.run("kapi", "up", code=0, **bare, **alone)
    try:
        counts, output = page.test(*page.lessons("04", "05"), code=1, **bare)
    finally:
        page.run("kapi", "delete", "--yes", **bare)
    sizes = {
        path.name[:2]: sum(cell["cell_type"] == "code" for cell in load(path)["cells"])
        for path in FILES
    }
    [left_out] = tagged(load(file_of("04-batch-api")), "needs-pods")
    skipped = sizes["05"] - 1 + len([left_out])
    assert counts == {"passed": sizes["04"] - 1, "error": 1, "skipped": skipped}
    [sentence] = re.findall(r"^This lesson needs a node.*$", output, re.MULTILINE)
    assert "lessons 00, 02" in sentence and "Traceback" not in output


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_what_cannot_run_ends_the_job_in_one_sentence(page, tmp_path):
    """Never by a run of no tests that passes."""
    nowhere = {"LAB_STATE_DIR": f"{page.state}-nowhere", "LAB_BACKEND": "existing"}
    [first] = page.lessons("00")
    _, output = page.test(first, code=1, **nowhere)
    assert "no cluster, no tests: " in output and "no cluster has been named" in output
    missing = ("kapi", "use", "--kubeconfig", "nothing.yaml", "--context", "x", "--yes")
    said = page.run(*missing, code=1, **nowhere).stdout
    assert "nothing.yaml" in said and "Traceback" not in said
    page.test(f"{TEACHER}/99-nothing.ipynb", code=4, **nowhere)
    page.test(first, "-k", "nothing", code=5, **nowhere)
    with Audited() as server:
        file = server.kubeconfig(tmp_path / "theirs.yaml", "theirs")
        words = ("--kubeconfig", file, "--context", "theirs", "--yes")
        page.run("kapi", "use", *words, code=0, **nowhere)
        counts, output = page.test(*page.lessons("05"), code=1, **nowhere)
        page.run("kapi", "delete", "--yes", code=0, **nowhere)
    assert counts["error"] == 1 and "passed" not in counts
    assert "This lesson needs a node, and this cluster has none" in output


@elsewhere
@pytest.mark.timeout(LIMIT)
def test_a_kubernetes_that_is_too_old_or_gone_ends_the_job_in_one_sentence(
    page, tmp_path
):
    settings = {"LAB_STATE_DIR": f"{page.state}-older", "LAB_BACKEND": "existing"}
    [first] = page.lessons("00")
    with Audited(WITHOUT_POLICIES) as server:
        file = server.kubeconfig(tmp_path / "older.yaml", "older")
        words = ("kapi", "use", "--kubeconfig", file, "--context", "older", "--yes")
        said = page.run(*words, code=1, **settings).stdout
        assert "since Kubernetes 1.30" in said and "Traceback" not in said
        _, output = page.test(first, code=1, **settings)
        assert "no cluster, no tests: " in output
        page.run(*words, "--without-policy", code=0, **settings)
    counts, output = page.test(first, code=1, **settings)
    assert counts == {} and "no cluster, no tests: " in output
    assert "does not answer" in output and "Traceback" not in output
