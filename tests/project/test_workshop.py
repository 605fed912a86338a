"""The words of the workshop: what `make` offers, refuses, leaves alone."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from cluster.tests import otherlinux
from helpers.cli import main
from tests.notebooks import ROOT

WORDS = (
    "help setup lab stop status doctor chapter lesson site test full machines "
    "conformance quick lint korean home lock pins follow older bench bundle clean"
).split()
FILES = (
    "Makefile",
    "pyproject.toml",
    "requirements.txt",
    "requirements-lock.txt",
    "requirements-lock-test.txt",
    "helpers/data/jupyter/exercises/exercises.js",
    "helpers/data/jupyter/exercises/package.json",
    "helpers/data/jupyter/overrides.json",
    "helpers/data/jupyter/startup.ipy",
    "tools/left-out.txt",
    "tools/setup.sh",
)


@pytest.fixture
def checkout(tmp_path):
    """Return a copy of the workshop's files alone, in a directory with a space."""
    folder = tmp_path / "a checkout"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(folder, *arguments, **environment):
    return call(folder, "make", "--no-print-directory", *arguments, **environment)


def call(folder, *command, **environment):
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def program(path, script):
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".ruff_cache" not in path.parts
    }


def test_make_alone_prints_every_word(checkout):
    answer = make(checkout)
    assert re.findall(r"^make (\w+) +\S", answer.stdout, re.MULTILINE) == WORDS
    assert answer.returncode == 0


def test_every_word_is_explained_once():
    """Those of a learner, of who changes the project, and of its maintainer."""
    pages = ("docs/commands.md", "CONTRIBUTING.md", "docs/maintaining.md")
    rows = "\n".join((ROOT / page).read_text("utf-8") for page in pages)
    names = re.findall(r"^\| (`make .+?) \|", rows, re.MULTILINE)
    assert sorted(re.findall(r"`make (\w+)`", " ".join(names))) == sorted(WORDS)


def test_ci_calls_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").splitlines()[-1] == "exec make test"


def test_setup_refuses_an_old_python_in_one_line(checkout, tmp_path):
    script = '#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2" || exit 1\n'
    old = program(tmp_path / "python", script)
    answer = call(checkout, "sh", "tools/setup.sh", "venv", PYTHON=old)
    assert answer.returncode == 1
    assert answer.stderr == (
        f"setup: Python 3.11 or newer is needed; {old} here is: Python 3.9.2. "
        "Install one, or name one: make setup PYTHON=/path/to/python3\n"
    )
    assert not (checkout / ".venv").exists()


FAKE_PYTHON = """#!/bin/sh
case "$*" in
-V) echo Python 3.12.9 ;;
*"(3, 15)"*) exit "$UNTESTED" ;;
"-m venv"*)
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    echo "command = python -m venv $PWD/.venv" >.venv/pyvenv.cfg ;;
"-m pip --version") exit 0 ;;
"-m pip config list") echo "$SETTINGS" ;;
"-m cluster.packages") PYTHONPATH="$SUITE" exec "$GENUINE" -m cluster.packages ;;
"-m pip install"*"--target build/uv"*)
    for last; do :; done
    mkdir -p "build/$last/bin"
    printf '#!/bin/sh\necho "uv $*"; exit 0\n' >"build/$last/bin/uv"
    chmod +x "build/$last/bin/uv" ;;
"-m pip install"*)
    echo "$*"
    for each in 1 2 3 4 5; do printf "$each %s\\n" a b c d e f; done
    [ -z "${LAST:-}" ] || echo "$LAST"
    exit "$PIP" ;;
esac
"""


def setup_environment(
    folder, part="venv", *, PIP, UNTESTED="1", SETTINGS="index-url", **more
):
    """Run a part with a Python whose pip writes 31 lines and ends so."""
    python = program(folder / "python", FAKE_PYTHON)
    fake = {"PYTHON": python, "PIP": PIP, "UNTESTED": UNTESTED, "SETTINGS": SETTINGS}
    return call(folder, "sh", "tools/setup.sh", part, **fake, **more)


def test_the_link_that_a_dev_container_made_is_replaced(checkout):
    """It leads to an environment that is in the container alone."""
    (checkout / ".venv").symlink_to("/opt/nowhere")
    assert setup_environment(checkout, PIP="0").returncode == 0
    assert (checkout / ".venv/bin/python").exists()
    assert not (checkout / ".venv").is_symlink()


def test_a_learner_gets_what_was_tested_and_no_test_tools(checkout):
    """The tests add theirs; what is there then has all that a learner needs."""

    def installed(part):
        before = log.read_text() if log.exists() else ""
        said = setup_environment(checkout, part, PIP="0", UNTESTED="0").stderr
        assert ("(lock)" in said) == ("installing Python packages" in said)
        text = log.read_text()
        return re.findall(r"--requirement (\S+)", text if text != before else "")

    log = checkout / "build" / "setup.log"
    both = ["requirements-lock.txt", "requirements-lock-test.txt"]
    assert installed("all") == ["requirements-lock.txt"]
    assert installed("venv") == both
    assert installed("all") == installed("venv") == []
    (checkout / "requirements-lock.txt").write_text("")
    assert installed("all") == ["requirements-lock.txt"]
    assert installed("venv") == both


def test_another_linux_hears_of_its_own_packages_and_goes_on(checkout, tmp_path):
    """Once there is a Python to ask; where an engine is, it makes the image."""
    environment = {
        "PATH": otherlinux.path(tmp_path / "bin", "dnf", lacks=("curl", "chromium")),
        "SUITE": str(ROOT),
        "GENUINE": sys.executable,
    }
    answer = setup_environment(checkout, "all", PIP="0", **environment)
    *_, installed, said = answer.stderr.splitlines()
    assert answer.returncode == 0 and "installing Python packages" in installed
    assert said.startswith("setup: going on without ")
    assert (
        "podman (the toolbox image: no pods without one)" in said
        and "curl (shell cells)" in said
    )
    assert re.search(r"Run: sudo dnf install -y .*\bpodman .*\bcurl", said)
    assert "apt-get" not in answer.stderr
    program(tmp_path / "bin/podman", "#!/bin/sh\n")
    again = setup_environment(checkout, "all", PIP="0", **environment).stderr
    assert "toolbox image" not in again and "curl (shell cells)" in again
    tests = setup_environment(checkout, "tests", PIP="0", **environment).stderr
    assert "chromium (tests in a browser)" in tests


@pytest.mark.parametrize(
    ("mount", "told"),
    [
        (r"9p C:\ rw,noatime,aname=drvfs;path=C:\;uid=1000,trans=fd", True),
        ("virtiofs drvfsC0 rw,noatime", True),
        ("9p shared rw,trans=virtio", False),
        ("virtiofs shared rw", False),
        ("ext4 /dev/sdc rw,discard", False),
    ],
)
def test_a_checkout_on_a_disk_of_windows_is_told_in_a_line(
    checkout, tmp_path, mount, told
):
    """At once, before the minutes that it takes there; it goes on."""
    program(tmp_path / "findmnt", f"#!/bin/sh\necho '{mount}'\n")
    path = f"{tmp_path}:{os.environ['PATH']}"
    answer = setup_environment(checkout, "all", PIP="0", PATH=path)
    assert answer.returncode == 0
    first, *rest = answer.stderr.splitlines()
    assert ("is on a disk of Windows, where" in first) == told
    assert ("Clone below your home in Linux, and" in first) == told
    assert "installing Python packages" in "".join(rest if told else (first, *rest))


def test_a_python_without_venv_is_refused_in_one_line(checkout, tmp_path):
    """Debian alone has a package for that."""
    script = """#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; *print*) echo python3.12 ;; esac
"""
    bare = program(tmp_path / "python", script)
    path = otherlinux.path(tmp_path / "bin", "apk")
    answer = call(checkout, "sh", "tools/setup.sh", "venv", PYTHON=bare, PATH=path)
    assert answer.returncode == 1
    assert answer.stderr == (
        f"setup: {bare} lacks venv or ensurepip, and cannot make an environment. "
        "Name another one: make setup PYTHON=/path/to/python3\n"
    )


APT = "sudo apt-get update && sudo apt-get install -y --no-install-recommends"


def bare_debian(folder, python):
    """Return the environment of a Debian without sudo, where `python` is alone."""
    tools = folder / "bare"
    tools.mkdir()
    program(tools / "apt-get", "#!/bin/sh\nexit 100\n")
    # An ordinary user, whoever runs this.
    program(tools / "id", "#!/bin/sh\necho 1000\n")
    for name in ("true", *TOOLS.split()):
        if name not in ("id", "curl", "cc") and (found := shutil.which(name)):
            (tools / name).symlink_to(found)
    return {"PYTHON": python, "PATH": str(tools), "LAB_BUNDLE": "none"}


@pytest.mark.parametrize("language", ["C.UTF-8", "ko_KR.UTF-8"])
def test_a_bare_debian_is_told_in_one_line_all_that_is_missing(
    checkout, tmp_path, language
):
    """Before anything is downloaded: Python's environment is one package of them."""
    script = """#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; *print*) echo python3.13-venv ;; esac
"""
    settings = bare_debian(tmp_path, program(tmp_path / "python", script))
    (checkout / "locale/ko").mkdir(parents=True)
    shutil.copy(ROOT / "locale/ko/setup.tsv", checkout / "locale/ko")
    answer = call(checkout, "sh", "tools/setup.sh", **settings, LANG=language)
    assert answer.returncode == 1
    [said] = answer.stderr.splitlines()
    # The set-up looks for some in /usr/sbin, too, which is this machine's.
    names = (
        r"python3.13-venv( runc)? mmdebstrap curl jq gcc libc6-dev( nftables)? uidmap"
    )
    assert re.search(f"{APT} {names}$", said)
    assert ("these packages are missing: python3.13-venv (.venv)" in said) == (
        language == "C.UTF-8"
    )
    assert ("다음 패키지가 없다: python3.13-venv (.venv)" in said) == ("ko" in language)
    assert not (checkout / "build/setup.log").exists()


def test_each_sentence_of_the_set_up_for_a_learner_is_there_in_korean():
    """Only what maintainers ask for is in English alone."""
    script = (ROOT / "tools/setup.sh").read_text()
    # As the shell joins them.
    text = re.sub(r"'\\\n'", "", script)
    rows = [
        line.split("\t")
        for line in (ROOT / "locale/ko/setup.tsv").read_text("utf-8").splitlines()
    ]
    korean = dict(rows)
    assert len(korean) == len(rows)
    for english, translation in rows:
        assert f"'{english}'" in text, english
        assert english.count("%s") == translation.count("%s"), english
    said = re.findall(r"\b(?:say|die|text) '([^']+)'", text)
    for_maintainers = {
        "%s",
        "%s is %s until the next start of this machine",
        "the packages could not be installed; the reason is above.",
        'unknown part "%s". Known: all, venv, tests, full, machines, site, lock.',
    }
    assert {*said} - {*korean} == for_maintainers


def test_uv_installs_where_pip_has_no_index_of_its_own(checkout):
    """uv knows nothing of pip's settings; if it fails, pip is asked."""
    assert setup_environment(checkout, PIP="1", SETTINGS="").returncode == 0
    log = checkout / "build" / "setup.log"
    assert log.read_text().startswith(
        "uv pip install --python .venv --editable .[test]"
    )
    (checkout / ".venv" / "setup-stamp-test").unlink()
    [program] = checkout.glob("build/uv==*/bin/uv")
    program.write_text("#!/bin/sh\nexit 2\n")
    assert setup_environment(checkout, PIP="0", SETTINGS="").returncode == 0
    first, second, *_ = log.read_text().splitlines()
    assert first == "uv could not install them; pip tries it."
    assert second.startswith("-m pip install --no-input")


def test_the_end_of_what_pip_wrote_is_shown_if_it_fails(checkout):
    """Twenty lines, the file with the rest, and a next run that tries again."""
    answer = setup_environment(checkout, PIP="1")
    _, failed, *shown, last = answer.stderr.splitlines()
    assert re.search(r"failed after \d+ s\. The end of build/setup\.log:$", failed)
    assert len(shown) == 20 and (shown[0], shown[-1]) == ("  2 e", "  5 f")
    assert last == (
        "setup: the packages could not be installed; the reason is above. "
        "Other versions: make setup PACKAGES=ranges"
    )
    assert answer.returncode == 1
    again = setup_environment(checkout, PIP="0").stderr
    assert again.startswith("setup: installing Python packages")


@pytest.mark.parametrize(
    "last",
    [
        "ERROR: Could not install packages: [Errno 28] No space left on device",
        "error: failed to write file: No space left on device (os error 28)",
    ],
)
@pytest.mark.parametrize("part", ["venv", "all"])
def test_a_full_disk_is_told_with_what_is_needed_and_free(checkout, part, last):
    """And not that other versions might help; the tests' packages need more."""
    answer = setup_environment(checkout, part, PIP="1", LAST=last)
    needed = {"venv": 800, "all": 500}[part]
    *_, said = answer.stderr.splitlines()
    found = re.fullmatch(
        rf"setup: the packages need {needed} MB of disk, and (.+) has (\d+) MB free: "
        "make room, and run the same again.",
        said,
    )
    free = shutil.disk_usage(checkout).free / 2**20
    assert found and found[1] == str(checkout) and answer.returncode == 1
    assert int(found[2]) == pytest.approx(free, rel=0.1)


TOOLS = (
    "sh cat cc cksum cp cut date dirname flock git grep id mkdir paste printf rm sed "
    "tail tr wc"
)


@pytest.mark.parametrize("origin", [None, "git@github.com:ann/notes.git"])
def test_what_the_archive_has_is_missing_only_if_it_does_not_come(
    checkout, tmp_path, origin
):
    """A person hears of the rest at once; nobody waits for the archive twice."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS.split():
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    added = (
        '"-m cluster.cli.fetch") exit "$LEFT" ;;\n'
        '"-m helpers setup") echo "setup with LAB_BUNDLE=${LAB_BUNDLE:-}" ;;\nesac\n'
    )
    fake = program(tmp_path / "python", FAKE_PYTHON.replace("esac\n", added))
    settings = {"PYTHON": fake, "PIP": "0", "UNTESTED": "0", "PATH": str(tools)}
    settings |= {"GENUINE": sys.executable, "SUITE": str(ROOT)}
    if origin:
        call(checkout, "git", "init", "--quiet")
        call(checkout, "git", "remote", "add", "origin", origin)
    else:
        settings["LAB_BUNDLE"] = "/a.tar.xz"

    def setup(left):
        answer = call(checkout, "sh", "tools/setup.sh", LEFT=left, **settings)
        assert answer.returncode == 0, answer.stderr
        return answer

    came = setup("0")
    assert "mmdebstrap" not in came.stderr and "curl" not in came.stderr
    asked = settings.get("LAB_BUNDLE", "")
    assert came.stdout.endswith(f"setup with LAB_BUNDLE={asked}\n")
    missing = setup("1")
    image = "mmdebstrap (the toolbox image: no pods without one)"
    assert f"{image}, curl (shell cells)" in missing.stderr
    assert missing.stdout.endswith("setup with LAB_BUNDLE=none\n")
    settings["LAB_BUNDLE"] = "none"
    asked = setup("1")
    assert asked.stderr.count("mmdebstrap") == 1


#: `-m helpers` on the lessons of this directory, with a cluster that needs no start
LAB = """
import os, sys
from pathlib import Path
from types import SimpleNamespace

from cluster import errors
from helpers import cli
from helpers.course import lab

def start():
    if "NO_CLUSTER" in os.environ:
        raise errors.LabError(os.environ["NO_CLUSTER"])
    return SimpleNamespace(
        kubeconfig=Path("/a b/kubeconfig"), binaries=lambda: Path("/bin/x")
    )

def show(program, words, env):
    print(env["KUBECONFIG"], env["PATH"], *words, sep="\\n")

cli.start, os.execve, lab.NOTEBOOKS = start, show, Path("notebooks").absolute()
assert sys.argv[1:3] == ["-m", "helpers"]
cli.main(sys.argv[3:])
"""


def lab(folder, **environment):
    """Run `make lab` with a Python that shows how JupyterLab starts."""
    (folder / "stand_in.py").write_text(LAB)
    called = f'exec "{sys.executable}" stand_in.py "$@"\n'
    program(folder / "python", f"#!/bin/sh\nPYTHONPATH={ROOT} {called}")
    return make(folder, "--assume-old=setup", "PY=./python", "lab", **environment)


def test_lab_gives_terminals_the_cluster_and_prints_the_first_page(checkout):
    """With a screen or without: what is printed opens what a browser would."""
    answer = lab(checkout, JUPYTER_ARGS="--port=9", SHELL="/bin/zsh")
    kubeconfig, path, *options = answer.stdout.splitlines()
    assert kubeconfig == "/a b/kubeconfig"
    assert ["-m", "jupyterlab", "--ip=127.0.0.1"] == options[2:5]
    assert path.startswith("/bin/x:")
    assert "--ServerApp.terminado_settings=shell_command=/bin/zsh" in options
    assert "--LabApp.default_url=/lab/tree/00-start-here.ipynb" in options
    assert options[-2:] == ["--port=9", "notebooks/00-start-here.ipynb"]
    # Jupyter refuses an option that comes twice.
    for given in ("--ServerApp.root_dir=/", "--LabApp.default_url=/a"):
        options = lab(checkout, JUPYTER_ARGS=given).stdout.splitlines()
        assert [o for o in options if "default_url" in o or o == given] == [given]


def test_lab_opens_the_first_lesson_in_the_language_of_the_settings(checkout):
    """Where there is one; the English ones can be opened there, too."""
    (checkout / "notebooks/ko").mkdir(parents=True)
    (checkout / "notebooks/ko/00-start-here.ipynb").touch()
    for language, path in (("ko", "ko/"), ("xx", "")):
        options = lab(checkout, LAB_LANG=language).stdout.splitlines()
        assert f"--LabApp.default_url=/lab/tree/{path}00-start-here.ipynb" in options
        assert "--ServerApp.root_dir=notebooks" in options
        assert options[-1] == f"notebooks/{path}00-start-here.ipynb"


def test_lab_without_a_cluster_opens_nothing(checkout):
    answer = lab(checkout, NO_CLUSTER="no disk")
    assert answer.returncode != 0 and answer.stdout == ""
    assert answer.stderr.startswith("error: no disk\n")


def test_stop_status_and_doctor_are_the_commands(checkout):
    """A cluster that is not ready is no error of `make`."""
    script = '#!/bin/sh\necho "$@"\n[ "$3" != status ] || exit 3\n'
    program(checkout / "python", script)
    for word in ("stop", "status", "doctor"):
        answer = make(checkout, "PY=./python", word)
        assert answer.stdout == f"-m helpers {word}\n"
        assert (answer.returncode, answer.stderr) == (0, "")


def test_a_lesson_is_stripped_and_framed_before_its_rules_and_it_run(checkout):
    (checkout / "notebooks/deeper").mkdir(parents=True)
    notebook = "notebooks/deeper/27-a-lesson.ipynb"
    (checkout / notebook).touch()
    program(checkout / "python", '#!/bin/sh\necho "$@"\n')
    options = ("--assume-old=setup", "--assume-old=venv", "PY=./python", "lesson")
    strip, frame, tests = make(checkout, *options, "NN=27").stdout.splitlines()
    assert strip.startswith("-m nbstripout --keep-id ") and strip.endswith(notebook)
    assert frame == "-m tools.course"
    assert tests.startswith(f"-m pytest -n 0 tests/lessons {notebook} -k 27-a-lesson ")


@pytest.mark.parametrize("words", [(), ("NN=99",)])
def test_a_lesson_that_is_not_named_is_asked_for_in_one_line(checkout, words):
    answer = make(checkout, "lesson", *words)
    number = words[0].removeprefix("NN=") if words else ""
    assert answer.returncode != 0 and answer.stdout == ""
    line = f"There is no lesson {number}. Name one: make lesson NN=27\n"
    assert answer.stderr.startswith(line)


def test_stop_before_a_set_up_says_what_is_missing(checkout):
    answer = make(checkout, "stop")
    assert answer.returncode != 0
    assert "There is no .venv/bin/python yet. Run: make setup" in answer.stderr


def test_lint_tells_all_at_once_and_changes_nothing(checkout):
    """`lint` says what a person must fix, with the commands, and fixes nothing."""
    (checkout / "notebooks").mkdir()
    shown = [nbformat.v4.new_output("stream", text="2")]
    cell = nbformat.v4.new_code_cell("1 + 1", id="sum", outputs=shown)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbformat.write(notebook, checkout / "notebooks/00-a.ipynb")
    (checkout / "a.py").write_text('"""Hold a."""\n\nimport os\n\na = (1)\n')
    before = contents(checkout)
    answer = make(
        checkout, "--assume-old=venv", f"PY={sys.executable}", "TYPES=true", "lint"
    )
    assert answer.returncode != 0
    for words in ("00-a.ipynb", "F401", "unformatted", "nbstripout --keep-id"):
        assert words in answer.stdout + answer.stderr
    assert contents(checkout) == before


def test_clean_removes_what_was_generated_here_alone(checkout):
    generated = ["build/chapter/a.ipynb", "a.egg-info/b", "notebooks/__pycache__/c"]
    kept = [".venv/bin/__pycache__/d", "notebooks/a.ipynb", ".git/build/e"]
    for name in generated + kept:
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert make(checkout, "clean").returncode == 0
    assert [name for name in generated if (checkout / name).exists()] == []
    assert [name for name in kept if not (checkout / name).exists()] == []


def test_the_documentation_lists_the_commands():
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    rows = re.findall(r"^\| `\.venv/bin/kapi (\w+)", text, re.MULTILINE)
    assert rows == list(main.commands)


def test_the_settings_name_every_variable():
    """Each LAB_ variable that is read has its row in the table, and no other."""
    paths = [*(ROOT / "cluster").rglob("*.py"), *(ROOT / "helpers").rglob("*.py")]
    ours = [path for path in paths if "tests" not in path.relative_to(ROOT).parts]
    sources = " ".join(path.read_text("utf-8") for path in ours)
    settings = (ROOT / "docs/settings.md").read_text("utf-8")
    read = {*re.findall(r"\"(LAB_[A-Z_]+)\"", sources)}
    assert {*re.findall(r"\bLAB_[A-Z_]+", settings)} == read
