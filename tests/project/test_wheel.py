"""The wheel: what is in it, and a learner who has nothing but it and uv."""

import email
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
import websocket
import yaml

from cluster import paths
from cluster.errors import PROGRAM, SHORT
from cluster.programs import releases
from cluster.release import version
from cluster.tests.bundle import archives
from cluster.tests.programs import mirror as m
from cluster.tests.waiting import until
from helpers.course import copies
from tests.browser.jupyterlab import END, START
from tests.lesson import play, run
from tests.notebooks import FILES, ROOT

#: what a build reads
SOURCES = (
    *("pyproject.toml", "requirements.txt", "README.md", "LICENSE"),
    *("cluster", "helpers", "notebooks", "tools"),
)
SHARE = f"share/{PROGRAM}"
EXTENSION = f"share/jupyter/labextensions/{PROGRAM}"
LARGEST = 10e6
UNCHANGED, CHANGED = "05-inside-a-pod.ipynb", "03-kubectl-proxy.ipynb"
NEWER = "03-kubectl-proxy.new.ipynb"
#: the server, the page and the token of an address
ADDRESS = r"(.+)/lab/tree/(.+)\?token=(\w+)"
#: seconds for the package's cluster, with programs and image in the cache
CLUSTER = 120.0
#: with an address and a directory: the archive from there, or a traceback
FETCH = """
import sys
from pathlib import Path
from cluster.bundle.fetch import get
from cluster.progress import Silent
print(get(sys.argv[1], Path(sys.argv[2]), Silent()))
"""
#: in a kernel, before `connect()`: the start-up file has added `%%sh`
FACTS = f"""
import shutil, helpers
from helpers.language import language
print(get_ipython().find_cell_magic("sh").__module__)
print(helpers.__file__, shutil.which("{PROGRAM}"), language(), sep="\\n")
"""


def _command(start):
    """Return the command of the job `wheel` of the workflow that starts so."""
    text = (ROOT / ".github/workflows/release.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["wheel"]["steps"]
    [command] = [step["run"] for step in steps if step.get("run", "").startswith(start)]
    return command


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel of this checkout as the workflow builds it, by what is here.

    The archive whose sums are in it is a small one.
    """
    folder = tmp_path_factory.mktemp("wheel")
    checkout = folder / "checkout"
    for name in SOURCES:
        # Not in the checkout: a build leaves files there, and takes up older ones.
        copied = checkout / name
        if (ROOT / name).is_file():
            copied.parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, copied)
        else:
            unwanted = "__pycache__", ".ipynb_checkpoints", "*drills-*", "recap-*"
            shutil.copytree(
                ROOT / name, copied, ignore=shutil.ignore_patterns(*unwanted)
            )
    archives.small().release(checkout / "archives")
    python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # pip reads "0" as: no isolation.
    pip = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_QUIET": "1"}
    for start in ("python -m tools.release sums ", "python -m pip wheel "):
        command = subprocess.run(
            ["sh", "-ec", _command(start)],
            cwd=checkout,
            env=os.environ | pip | {"PATH": python},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert command.returncode == 0, command.stderr
    [built] = (checkout / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def files(wheel):
    """Return the files in it: path to content."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def below(*folders):
    """Return what is in folders of the checkout, but for what Python leaves there."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and not re.search(r"__pycache__|checkpoints|drills-\w*/|recap-\w*/", f"{path}")
    }


def test_it_is_small_and_for_every_machine(wheel):
    assert wheel.name == f"kubernetes_api_notebooks-{version()}-py3-none-any.whl"
    assert wheel.stat().st_size < LARGEST


def test_it_holds_the_modules_and_their_data_without_tests_and_documentation(files):
    ours = {
        path: content
        for path, content in below("cluster", "helpers").items()
        # What is installed elsewhere is among the wheel's data, below.
        if not re.match(r"cluster/(tests|docs)/|\w+/README|helpers/data/jupyter/", path)
    }
    ours["cluster/bundle/SHA256SUMS"] = archives.small().sums().encode()
    found = {
        path: content
        for path, content in files.items()
        if path.startswith(("cluster/", "helpers/"))
    }
    assert sorted(found) == sorted(ours)
    assert found == ours
    others = {path.partition("/")[0] for path in files.keys() - found.keys()}
    assert {name.rpartition(".")[2] for name in others} == {"data", "dist-info"}


def _fetch(wheel, target, mirror):
    """Fetch the archive of the mirror by the modules of the unpacked wheel."""
    unpacked = target / "site-packages"
    shutil.unpack_archive(wheel, unpacked, "zip")
    address = f"{mirror.base}/class/{releases.bundle_name()}"
    return subprocess.run(
        [sys.executable, "-c", FETCH, address, target / "fetched"],
        # Not the checkout's modules, by the directory or by the environment's .pth.
        cwd=target,
        env=environment(
            target,
            PYTHONPATH=str(unpacked),
            REQUESTS_CA_BUNDLE=str(mirror.ca),
            LAB_BUNDLE=address,
        ),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_its_own_sums_decide_which_archive_it_takes(wheel, tmp_path):
    """Whoever can change the archive of a release can change the sums beside it."""
    with m.running(tmp_path / "certificates") as mirror:
        path = archives.small().publish(mirror, "/class")
        right = _fetch(wheel, tmp_path / "right", mirror)
        assert right.returncode == 0, right.stderr
        file = Path(right.stdout.strip())
        assert file.read_bytes() == archives.small().packed()
        # Manifest and sums are in order: nothing but the wheel knows the difference.
        others = archives.small(image=b"others").members
        archives.Bundle(archives.small().manifest, others).publish(mirror, "/class")
        wrong = _fetch(wheel, tmp_path / "wrong", mirror)
    assert wrong.returncode == 1
    right_sum = hashlib.sha256(archives.small().packed()).hexdigest()
    reason = f"has another SHA-256 than the published {right_sum[:12]}…\n"
    assert wrong.stderr.endswith(f"{file.name} of 127.0.0.1:{mirror.port} {reason}")
    assert not [*(tmp_path / "wrong/fetched").glob(f"*{releases.ENDING}")]
    # A wrong one more than once; the sums of the release never.
    assert {*mirror.asked} == {path, path.replace(releases.ENDING, ".json")}


def test_it_holds_every_lesson_with_pictures_in_both_languages(files):
    data = re.compile(rf"[^/]+\.data/data/{SHARE}/(.+)")
    found = {
        f"notebooks/{match[1]}": files[path]
        for path in files
        if (match := data.fullmatch(path))
    }
    assert found == below("notebooks")
    for path in FILES:
        name = path.relative_to(ROOT / "notebooks").as_posix()
        assert {f"notebooks/{name}", f"notebooks/ko/{name}"} <= {*found}


def test_it_holds_the_settings_that_the_set_up_installs(files):
    for place, source in (
        ("share/jupyter/lab/settings/overrides.json", "overrides.json"),
        ("etc/ipython/startup/startup.ipy", "startup.ipy"),
        (f"{EXTENSION}/package.json", "exercises/package.json"),
        (f"{EXTENSION}/exercises.js", "exercises/exercises.js"),
    ):
        [content] = [files[path] for path in files if path.endswith(f"/data/{place}")]
        assert content == (ROOT / "helpers/data/jupyter" / source).read_bytes()


def test_it_has_one_program_under_two_names_and_no_address_that_leads_nowhere(files):
    """Nor does a link of its page in an index, which has no other files."""
    [scripts] = [files[path] for path in files if path.endswith("entry_points.txt")]
    entry, plugin = "helpers.__main__:run", "helpers.pytest_plugin"
    assert sorted(filter(None, scripts.decode().split("\n"))) == [
        "[console_scripts]",
        "[pytest11]",
        f"{plugin} = {plugin}",
        f"{SHORT} = {entry}",
        f"{PROGRAM} = {entry}",
    ]
    [found] = [files[path] for path in files if path.endswith("/METADATA")]
    metadata = email.message_from_bytes(found)
    assert metadata["Version"] == version()
    page = metadata.get_payload()
    assert "kapi lab" in page and not re.search(r"\]\((?!https?://)", page)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert [u for u in metadata.get_all("Project-URL", []) if "OWNER" in u] == []
    assert any(path.endswith("/licenses/LICENSE") for path in files)


def test_the_documentation_names_the_program_and_how_it_is_built():
    text = (ROOT / "docs/machines.md").read_text("utf-8")
    for words in (
        "uv build --wheel",
        f"uv tool run --from dist/*.whl {PROGRAM} lab",
        f"uvx {PROGRAM} lab",
        f"pipx run {PROGRAM} lab",
        f"pip install {PROGRAM}",
        # A newer build of the same version is not installed otherwise.
        "pip install --force-reinstall --no-deps dist/*.whl",
        # A path that lasts, for the profile of AppArmor.
        "uv tool install dist/*.whl",
    ):
        assert words in text


# --- A learner with uv --------------------------------------------------------

uv = pytest.mark.full("a hundred packages from an index, for an environment of uv")


@pytest.fixture(scope="module")
def learner(wheel, tmp_path_factory):
    """Return how a learner with an empty HOME starts the program, and that HOME."""
    found = [*ROOT.glob("build/uv==*/bin/uv")]
    if not found:
        pytest.skip("uv is not here: pip is set to another index")
    home = tmp_path_factory.mktemp("home")
    return [str(found[-1]), "tool", "run", "--from", str(wheel), PROGRAM], home


def environment(home, **changes):
    """Return this environment with another HOME, and nothing of our Python."""
    named = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("VIRTUAL_ENV", "PYTHON", "JUPYTER", "XDG_", "IPYTHON", "LAB_")
        )
    }
    return named | {"HOME": str(home)} | changes


def run_apart(command, folder, home, limit, **changes):
    """Run a command in a folder, with the programs of this cache; return its end."""
    changes |= {"LAB_CACHE_DIR": str(paths.cache_dir()), "LAB_BUNDLE": "none"}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment(home, **changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit,
    )


def call(learner, *words, cwd, **changes):
    command, home = learner
    return subprocess.run(
        [*command, *words],
        cwd=cwd,
        env=environment(home, **changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


@uv
def test_every_command_is_there_under_the_name_of_the_program(learner, tmp_path):
    """Nothing of the checkout is asked for, and nothing of it is named."""
    said = call(learner, "--version", cwd=tmp_path)
    assert said.stdout == f"{PROGRAM} {version()}\n", said.stderr
    told = call(learner, "--help", cwd=tmp_path)
    assert told.stdout.startswith(f"Usage: {PROGRAM} [OPTIONS] [COMMAND]")
    state = {"LAB_STATE_DIR": str(tmp_path / "state")}
    status = call(learner, "status", cwd=tmp_path, **state)
    assert status.returncode == 3
    assert status.stdout == f"not running; start it with `{PROGRAM} up`\n"
    refused = call(learner, "kubeconfig", cwd=tmp_path, **state)
    assert refused.returncode == 1 and f"`{PROGRAM} up`" in refused.stderr
    doctor = call(learner, "doctor", cwd=tmp_path, **state)
    for answer in (told, status, refused, doctor):
        assert ".venv" not in answer.stdout + answer.stderr
    named = [*learner[0][:-1], SHORT], learner[1]
    # The version is that of the package, whatever the command is called.
    assert call(named, "-V", cwd=tmp_path).stdout == f"{PROGRAM} {version()}\n"
    exported = call(learner, "export", "class", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / "class/student/ko/deeper/26-drills.ipynb").exists()


@uv
@pytest.mark.parametrize("place", ["a file", "another directory", "not writable"])
def test_lab_without_a_place_for_the_lessons_starts_nothing(learner, tmp_path, place):
    """Two lines: what is there, and the way out."""
    cwd = Path("/sys") if place == "not writable" else tmp_path
    if place == "a file":
        (tmp_path / PROGRAM).write_text("mine")
    elif place == "another directory":
        (tmp_path / PROGRAM).mkdir()
        (tmp_path / PROGRAM / "thesis.tex").write_text("mine")
    state = tmp_path / "state"
    answer = call(learner, "lab", cwd=cwd, LAB_STATE_DIR=str(state))
    assert answer.returncode == 1
    # uv may say before that it installs.
    error = answer.stderr[answer.stderr.index("error: ") :]
    assert error.startswith(f"error: {PROGRAM}") and error.count("\n") == 2
    assert not state.exists()


@pytest.fixture
def cluster_of_its_own(learner, tmp_path):
    """Return settings for a cluster that the package starts, and ends it.

    Programs and image are those of the tests: to get them is another test's.
    """
    # Not in tmp_path: the name of a unix socket is short.
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        settings = {
            "LAB_STATE_DIR": f"{folder}/state",
            "LAB_CACHE_DIR": str(paths.cache_dir()),
            "LAB_BACKEND": "local",
        }
        yield settings
        gone = call(learner, "delete", "--yes", cwd=tmp_path, **settings)
        assert (gone.returncode, gone.stdout) == (0, "deleted\n"), gone.stderr


@contextmanager
def jupyterlab(learner, folder, **changes):
    """Run `lab` in a directory; yield the address that it prints, then end it."""
    command, home = learner
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "lab", "--ServerApp.port=0", "--no-browser"],
            cwd=folder,
            env=environment(home, **changes),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def listening():
        text = (folder / "log").read_text()
        assert process.poll() is None, text
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab/tree/\S+", text)
        # The address may be there a moment before the socket.
        with socket.socket() as client:
            address = ("127.0.0.1", int(found[1])) if found else None
            return address and client.connect_ex(address) == 0 and found[0]

    try:
        yield until(listening, CLUSTER + START, "the cluster and JupyterLab")
    finally:
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            _, alive = psutil.wait_procs(family, END)
            for one in alive:
                one.kill()
            process.wait(END)
            assert alive == [], f"left by JupyterLab: {alive}"


def facts(address):
    """Return the lines that FACTS prints in a new kernel of a page."""
    server, path, token = re.fullmatch(ADDRESS, address).groups()
    mark = {"Authorization": f"token {token}"}
    asked = {"path": path, "name": path, "type": "notebook", "kernel": {"name": ""}}
    made = requests.post(
        f"{server}/api/sessions", json=asked, headers=mark, timeout=START
    )
    assert made.status_code == 201, made.text
    kernel = f"{server}/api/kernels/{made.json()['kernel']['id']}/channels"
    channels = websocket.create_connection(
        kernel.replace("http", "ws", 1), header=mark, timeout=START
    )
    ran = run(channels, "facts", FACTS)
    channels.close()
    assert not ran["error"], ran
    return ran["text"].splitlines()


def setting(address, name, key):
    """Return the default of a setting of JupyterLab."""
    server, _, token = re.fullmatch(ADDRESS, address).groups()
    url = f"{server}/lab/api/settings/{name}?token={token}"
    schema = requests.get(url, timeout=START).json()["schema"]
    return schema["properties"][key]["default"]


@uv
@pytest.mark.parametrize(("language", "page"), [("en", ""), ("ko", "ko/")])
def test_lab_opens_the_lessons_of_a_package_that_is_newer(
    learner, cluster_of_its_own, tmp_path, language, page
):
    """An older copy is there, in which the learner has changed a cell.

    The package starts the cluster, and its own lesson 05 runs.
    """
    copy = tmp_path / PROGRAM
    (copy / page).mkdir(parents=True)
    for name in (UNCHANGED, CHANGED):
        (copy / page / name).write_text("older")
    older = hashlib.sha256(b"older").hexdigest()
    sums = {page + name: older for name in (UNCHANGED, CHANGED)}
    (copy / copies.SUMS).write_text(json.dumps(sums))
    (copy / page / CHANGED).write_text("mine")
    settings = cluster_of_its_own | {"LAB_LANG": language}
    with jupyterlab(learner, tmp_path, **settings) as address:
        assert f"/lab/tree/{page}00-start-here.ipynb?token=" in address
        magic, module, program, spoken = facts(address)
        news = setting(
            address, "@jupyterlab/apputils-extension:notification", "fetchNews"
        )
        ran = play(address.replace("00-start-here.ipynb", UNCHANGED))
    assert [cell for cell in ran if cell["error"]] == [] and len(ran) > 10
    assert (magic, spoken, news) == ("helpers.shell", language, "false")
    assert "/site-packages/helpers/" in module and str(ROOT) not in module
    assert Path(program).name == PROGRAM
    said = (tmp_path / "log").read_text()
    mine = f"{PROGRAM}/{page}{CHANGED}"
    changed = {
        "en": f"you have changed {mine}; the newer one is {NEWER} beside it",
        "ko": f"{mine}: 고친 적이 있어서 그대로 두었다.",
    }
    assert changed[language] in said
    assert (copy / page / CHANGED).read_text() == "mine"
    assert len(json.loads((copy / page / NEWER).read_text("utf-8"))["cells"]) > 10
