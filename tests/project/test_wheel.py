"""The wheel: what is in it, and a learner who has nothing but it and uv."""

import email
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from jupyter_client.blocking import BlockingKernelClient

from cluster.installed import PROGRAM, version
from cluster.tests.waiting import until
from helpers.course import copies
from tests.browser.jupyterlab import END, START
from tests.kernels import CONNECT, run
from tests.notebooks import FILES, ROOT

#: what a build reads
SOURCES = (
    *("pyproject.toml", "requirements.txt", "README.md", "LICENSE"),
    *("cluster", "helpers", "notebooks", "tools"),
)
SHARE = f"share/{PROGRAM}"
LARGEST = 10e6
UNCHANGED, CHANGED = "03-kubectl-proxy.ipynb", "05-inside-a-pod.ipynb"
NEWER = "05-inside-a-pod.new.ipynb"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel of this checkout, built by what is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        # Not in the checkout: a build leaves files there, and takes up older ones.
        copied = folder / "checkout" / name
        if (ROOT / name).is_file():
            copied.parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, copied)
        else:
            unwanted = "__pycache__", ".ipynb_checkpoints", "*drills-*", "recap-*"
            shutil.copytree(
                ROOT / name, copied, ignore=shutil.ignore_patterns(*unwanted)
            )
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps"]
        + ["--no-build-isolation", "--wheel-dir", folder / "dist", "./checkout"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr
    [made] = (folder / "dist").iterdir()
    return made


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
        if not re.match(r"cluster/(tests/|docs/|README)", path)
    }
    found = {
        path: content
        for path, content in files.items()
        if path.startswith(("cluster/", "helpers/"))
    }
    assert sorted(found) == sorted(ours)
    assert found == ours


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
        ("share/jupyter/lab/settings/overrides.json", "tools/overrides.json"),
        ("etc/ipython/startup/startup.ipy", "tools/startup.ipy"),
    ):
        [content] = [files[path] for path in files if path.endswith(f"/data/{place}")]
        assert content == (ROOT / source).read_bytes()


def test_it_has_one_program_and_no_address_that_leads_nowhere(files):
    """Its page in an index is the README, with what that leads to."""
    [scripts] = [files[path] for path in files if path.endswith("entry_points.txt")]
    program = f"[console_scripts]\n{PROGRAM} = helpers.__main__:run"
    assert scripts.decode().strip() == program
    [found] = [files[path] for path in files if path.endswith("/METADATA")]
    metadata = email.message_from_bytes(found)
    assert metadata["Version"] == version()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert [u for u in metadata.get_all("Project-URL", []) if "OWNER" in u] == []
    assert any(path.endswith("/licenses/LICENSE") for path in files)


def test_readme_names_the_program_and_how_it_is_built():
    text = (ROOT / "README.md").read_text("utf-8")
    for words in (
        "uv build --wheel",
        f"uv tool run --from dist/*.whl {PROGRAM} lab",
        f"uvx {PROGRAM} lab",
        f"pipx run {PROGRAM} lab",
        f"pip install {PROGRAM}",
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
        if not name.startswith(("VIRTUAL_ENV", "PYTHON", "JUPYTER", "XDG_", "IPYTHON"))
    }
    # Of the tests' cluster, which `lab` finds running.
    return named | {"HOME": str(home)} | changes


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
    assert told.stdout.startswith(f"Usage: {PROGRAM} [OPTIONS] COMMAND")
    state = {"LAB_STATE_DIR": str(tmp_path / "state")}
    status = call(learner, "status", cwd=tmp_path, **state)
    assert status.returncode == 3
    assert status.stdout == f"not running; start it with `{PROGRAM} up`\n"
    refused = call(learner, "kubeconfig", cwd=tmp_path, **state)
    assert refused.returncode == 1 and f"`{PROGRAM} up`" in refused.stderr
    doctor = call(learner, "doctor", cwd=tmp_path, **state)
    for answer in (told, status, refused, doctor):
        assert "python -m helpers" not in answer.stdout + answer.stderr
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


@contextmanager
def jupyterlab(learner, folder, **changes):
    """Run `lab` in a directory; yield the address that it prints, then end it."""
    command, home = learner
    runtime = folder / "runtime"
    own = {"JUPYTER_RUNTIME_DIR": str(runtime), **changes}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "lab", "--ServerApp.port=0", "--no-browser"],
            cwd=folder,
            env=environment(home, **own),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = r"http://127\.0\.0\.1:\d+/lab/tree/\S+"
    try:
        text = (folder / "log").read_text
        until(
            lambda: process.poll() is not None or re.search(address, text()),
            START,
            "JupyterLab listens",
        )
        assert process.poll() is None, text()
        yield re.search(address, text())[0]
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        psutil.wait_procs(family, END)
        process.wait(END)


def run_in_a_kernel(address, folder, path, code):
    """Return what `code` prints in the kernel of a lesson, as its page starts one."""
    server, token = re.fullmatch(r"(.+)/lab/tree/.*\?token=(\w+)", address).groups()
    asked = {"path": path, "name": path, "type": "notebook", "kernel": {"name": ""}}
    made = requests.post(
        f"{server}/api/sessions",
        json=asked,
        headers={"Authorization": f"token {token}"},
        timeout=60,
    )
    assert made.status_code == 201, made.text
    file = folder / "runtime" / f"kernel-{made.json()['kernel']['id']}.json"
    until(lambda: file.exists() and file.read_text(), START, "its ports")
    client = BlockingKernelClient()
    client.load_connection_info(json.loads(file.read_text()))
    client.start_channels()
    try:
        client.wait_for_ready(timeout=START)
        return run(client, code)
    finally:
        client.stop_channels()


#: before `connect()`: the start-up file has added `%%sh`
MAGIC = "get_ipython().find_cell_magic('sh').__module__"
LESSON = f"""{CONNECT}
import shutil, helpers
from helpers.language import language
print(helpers.__file__, shutil.which("{PROGRAM}"), language())
print(cluster)
"""


@uv
@pytest.mark.parametrize(("language", "page"), [("en", ""), ("ko", "ko/")])
def test_lab_opens_the_lessons_of_a_package_that_is_newer(
    learner, cluster, tmp_path, language, page
):
    """An older copy is there, in which the learner has changed a cell."""
    copy = tmp_path / PROGRAM
    (copy / page).mkdir(parents=True)
    older = {page + UNCHANGED: "older", page + CHANGED: "older"}
    for path in older:
        (copy / path).write_text("older")
    sums = {
        path: hashlib.sha256(text.encode()).hexdigest() for path, text in older.items()
    }
    (copy / copies.SUMS).write_text(json.dumps(sums))
    (copy / page / CHANGED).write_text("mine")
    with jupyterlab(learner, tmp_path, LAB_LANG=language) as address:
        assert f"/lab/tree/{page}00-start-here.ipynb?token=" in address
        lesson = f"{page}00-start-here.ipynb"
        ask = run_in_a_kernel(address, tmp_path, lesson, f"print({MAGIC})\n{LESSON}")
        setting = "@jupyterlab/apputils-extension:notification"
        url, token = re.fullmatch(r"(.+)/lab/tree/.*=(\w+)", address).groups()
        settings = requests.get(
            f"{url}/lab/api/settings/{setting}?token={token}", timeout=60
        ).json()
    magic, found, connected = ask.strip().splitlines()[:3]
    assert magic == "helpers.shell"
    module, program, spoken = found.split()
    assert "site-packages/helpers" in module and not module.startswith(str(ROOT))
    assert Path(program).name == PROGRAM and spoken == language
    assert str(cluster.kubeconfig.parent) in connected or "127.0.0.1" in connected
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    said = (tmp_path / "log").read_text()
    path = f"{PROGRAM}/{page}{CHANGED}"
    assert f"you have changed {path}; the newer one is {NEWER} beside it" in said
    assert (copy / page / CHANGED).read_text() == "mine"
    for name in (UNCHANGED, NEWER):
        cells = json.loads((copy / page / name).read_text("utf-8"))["cells"]
        assert len(cells) > 10
