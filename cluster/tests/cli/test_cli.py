"""The command line: data on stdout, all else on stderr, and exit codes to rely on."""

import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cluster.backend import STATUS, waiting_text
from cluster.cli.format import colours, status_text, with_signs
from cluster.local import trial
from cluster.local.backend import LOGS
from cluster.machine import apparmor
from cluster.progress import Terminal, columns
from cluster.tests.commandline import helpers, python
from helpers import __main__ as entry
from helpers.cli import main

#: as a person calls it
KAPI = Path(sys.executable).parent / "kapi"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Return the environment of a cluster of these tests' own, and remove it.

    With a locale without letters beyond ASCII, a module path full of junk, and a
    directory that has blanks and other letters in its name.
    """
    base = tmp_path_factory.mktemp("cli")
    junk = base / "junk.py"
    junk.write_text("raise RuntimeError('nobody imports this')\n")
    path = ["/no/such/directory", junk, "", base, os.environ.get("PYTHONPATH", "")]
    env = {
        "LAB_STATE_DIR": base / "my sta'te $HOME ü",
        "LC_ALL": "C",
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONHASHSEED": "0",
    }
    yield env
    helpers("delete", "--yes", env=env, check=True)
    assert not env["LAB_STATE_DIR"].exists()


@pytest.fixture(scope="module")
def up(own):
    """Return what the first `up` of that cluster did."""
    return helpers("up", env=own)


# --- Help and usage -----------------------------------------------------------


def commands(group=main, path=()):
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_each_command_explains_itself(path):
    parent = CliRunner().invoke(main, [*path[:-1], "--help"])
    line = re.search(rf"^  {path[-1]} +(.+)$", parent.output, re.MULTILINE)
    own = CliRunner().invoke(main, [*path, "--help"])
    assert parent.exit_code == own.exit_code == 0
    assert line[1].endswith((".", "(once).")) and not line[1].endswith("...")
    assert len(own.output.split()) > 20
    assert max(map(len, own.output.splitlines())) <= 88


def test_root_loads_the_profile_for_a_class_and_hears_what_an_update_needs(monkeypatch):
    """Nothing is data there; a start as an account without rights has the last word."""
    monkeypatch.setattr(apparmor, "load", lambda: None)
    results = [trial.TrialResult(), trial.TrialResult("x", "Operation not permitted")]
    monkeypatch.setattr(trial, "attempt_as", lambda account: results.pop(0))
    done = CliRunner().invoke(main, ["apparmor", "--write"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert "tried as nobody: every account can make namespaces" in done.stderr
    assert f"\n  {apparmor.hook()}\n" in done.stderr
    done = CliRunner().invoke(main, ["apparmor", "--write"])
    assert done.exit_code == 1
    assert "nobody cannot start a cluster all the same: x was refused" in done.stderr
    assert f"must be able to read {sys.prefix}; " in done.stderr


def test_alone_it_prints_its_help():
    """A first look is no mistake."""
    alone, asked = (CliRunner().invoke(main, words) for words in ([], ["--help"]))
    assert alone.exit_code == 0
    assert alone.output == asked.output and "Typical use:" in alone.output


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_it_says_its_version(option):
    said = CliRunner().invoke(main, [option]).output
    assert re.fullmatch(r"kubernetes-api-notebooks \d+\.\d\S*\n", said)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_tab_completes_commands_and_options(shell):
    """By the script that is printed, and by what that asks the program."""
    script = python(KAPI, "completion", shell)
    assert script.returncode == 0
    assert f"_KAPI_COMPLETE={shell}_complete" in script.stdout
    for typed, word, found in (
        ("kapi st", "st", {"status", "stop"}),
        ("kapi up --po", "--po", {"--port"}),
    ):
        asked = {
            "_KAPI_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": typed,
            "COMP_CWORD": word if shell == "fish" else len(typed.split()) - 1,
        }
        said = python(KAPI, env=asked).stdout
        assert set(re.findall(r"(?:plain[,\n])?(--?\w+|\w+)", said)) >= found
        assert "delete" not in said


def test_bash_completes_by_the_script():
    script = f"""
        kapi() {{ {sys.executable} {KAPI} "$@"; }}
        . <(kapi completion bash)
        COMP_WORDS=(kapi sta) COMP_CWORD=1
        $(complete -p kapi | sed 's/.*-F \\([^ ]*\\) .*/\\1/') {KAPI} sta kapi
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("status\n", "")


@pytest.mark.parametrize(
    ("shell", "script", "answer"),
    [
        (
            ["zsh", "-f"],
            'eval "$(kapi completion zsh)"; print $_comps[kapi]',
            "_kapi_completion\n",
        ),
        (
            ["fish", "--no-config"],
            'kapi completion fish | source; complete -C "kapi la"',
            "lab\tStart the cluster, and open JupyterLab on the first lesson.\n",
        ),
    ],
)
def test_a_shell_that_nobody_has_set_up_completes(shell, script, answer, tmp_path):
    """Nor is a description cut at a comma."""
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not here")
    path = os.pathsep.join([str(KAPI.parent), os.environ["PATH"]])
    env = os.environ | {"HOME": str(tmp_path), "PATH": path}
    line = [*shell, "-c", script]
    done = subprocess.run(line, env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (answer, "")


def test_help_lists_the_exit_codes():
    output = CliRunner().invoke(main, ["--help"]).output
    codes = re.findall(r"^ +(\d+) +\w", output, re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "130"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["start"], "No such command 'start'.\n"),
        (["bogus"], "No such command 'bogus'.\n"),
        (["stauts"], "No such command 'stauts'. Did you mean 'status'?\n"),
        (["images", "lst"], "No such command 'lst'. Did you mean 'list'?\n"),
        (["up", "--port", "0"], "0 is not in the range 1<=x<=65535"),
        (["logs"], "Missing argument 'COMPONENT'"),
        (["logs", "etcd", "-n", "0"], "0 is not in the range"),
        (["delete", "--force"], "No such option"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_code_2(arguments, said):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert said in result.output and "Usage: " in result.output


@pytest.mark.parametrize(
    ("platform", "version", "said"),
    [
        ("linux", (3, 11), ""),
        ("linux", (3, 10), "3.11 or newer is needed; this is 3.10"),
        ("darwin", (3, 11), ""),
        ("win32", (3, 12), "Linux or macOS is needed; this is win32"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_so(platform, version, said):
    reason = entry.unmet_requirement(platform, version)
    assert said in reason and bool(reason) == bool(said)


def test_an_environment_without_packages_is_told_so():
    """The usual mistake: the system's Python instead of the one in .venv."""
    done = python("-S", "-m", "helpers", "status", env={"PYTHONPATH": None})
    assert done.returncode == 1
    assert re.fullmatch(
        r"error: The Python package \w+ is not installed for .+\.\n"
        r"Run `make setup`, and then .+\n",
        done.stderr,
    )


# --- A cluster that runs ------------------------------------------------------


def test_status_as_json_has_stable_keys(cluster, tmp_path):
    runs = helpers("status", "--json")
    idle = helpers("status", "--json", env={"LAB_STATE_DIR": tmp_path / "none"})
    running, absent = json.loads(runs.stdout), json.loads(idle.stdout)
    assert (runs.returncode, running["phase"]) == (0, "ready")
    assert (idle.returncode, absent) == (3, STATUS)
    assert running.keys() == STATUS.keys()
    keys = {"state", "pid", "restarts", "last_exit", "since"}
    assert all(keys <= part.keys() for part in running["components"].values())


def test_kubeconfig_is_private_and_works(cluster):
    done = helpers("kubeconfig")
    path = Path(done.stdout.removesuffix("\n"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path == cluster.kubeconfig


def test_logs_prints_as_many_lines_as_asked_and_names_what_has_one(cluster):
    done = helpers("logs", "kubelet", "-n", "2")
    assert (done.returncode, done.stdout.count("\n")) == (0, 2)
    done = helpers("logs", "kube-controler")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert all(name in done.stderr for name in LOGS)


@pytest.mark.parametrize("words", [["images"], ["images", "list"]], ids=" ".join)
def test_images_lists_what_pods_can_use(cluster, words):
    done = helpers(*words)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert {row[2] for row in rows} == {"MB"}
    sizes = {row[0]: float(row[1]) for row in rows}
    assert 50 < sizes["docker.io/library/toolbox:1"] < 500


# --- No cluster ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["status"], 3, "not running; start it"),
        (["stop"], 0, "not running"),
        (["delete", "--yes"], 0, "nothing to delete"),
        (["kubeconfig"], 1, "error: There is no kubeconfig yet.\nStart it"),
        (["logs", "etcd"], 1, "error: There is no such log of etcd yet.\nStart it"),
        (["images", "list"], 1, "error: No cluster is running.\nStart it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_without_a_cluster(tmp_path, arguments, code, said):
    state = tmp_path / "none"
    done = helpers(*arguments, env={"LAB_STATE_DIR": state})
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert not state.exists()


# --- A cluster of our own, from start to end; in the order in which they stand ---


def test_up_shows_its_progress_and_prints_for_a_shell(own, up):
    assert up.returncode == 0, up.stderr
    assert re.search(
        r"^\[ +\d+\.\d s\] \d+ of \d+ ready; waiting for ", up.stderr, re.MULTILINE
    )
    assert up.stderr.splitlines()[-1].endswith("] the cluster is ready")
    names = [line.split("=")[0] for line in up.stdout.splitlines()]
    assert names == ["export KUBECONFIG", "export PATH"]
    script = f'{up.stdout}\nkubectl get nodes -o name; echo "$KUBECONFIG"'
    shell = subprocess.run(["sh", "-ec", script], capture_output=True, text=True)
    assert shell.stdout.splitlines() == [
        "node/lab-control-plane",
        str(own["LAB_STATE_DIR"] / "kubeconfig"),
    ]


def test_stop_twice(own, up):
    first, second = helpers("stop", env=own), helpers("stop", env=own)
    assert (first.returncode, first.stdout) == (0, "stopped; the objects are kept\n")
    assert (second.returncode, second.stdout) == (0, "not running\n")
    assert "etcd" in helpers("logs", "etcd", env=own).stdout


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_delete_asks(own, up, answer):
    done = helpers("delete", env=own, input=answer)
    assert done.returncode == 1
    assert "Remove the cluster and all its objects" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("nothing was deleted")
    assert (own["LAB_STATE_DIR"] / "etcd").is_dir()


def test_delete_removes_it(own, up):
    done = helpers("delete", env=own, input="y\n")
    assert (done.returncode, done.stdout) == (0, "deleted\n")
    assert not own["LAB_STATE_DIR"].exists()
    assert helpers("delete", env=own).stdout == "nothing to delete\n"


# --- The shape of lines -------------------------------------------------------


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("awaited", "steps", "line"),
    [
        (
            ["etcd", "seed", "kubelet"],
            15,
            "12 of 15 ready; waiting for etcd and 2 more",
        ),
        (["node Ready"], 15, "14 of 15 ready; waiting for node Ready"),
        ([], 15, "15 of 15 ready; waiting for the last checks"),
        (["etcd", "seed"], None, "waiting for etcd and 1 more"),
    ],
)
def test_a_start_is_a_count_that_fits_a_narrow_terminal(awaited, steps, line):
    assert waiting_text(awaited, steps) == line
    longest = waiting_text(["kube-controller-manager", *LOGS], 20)
    assert len(f"[{10:5.1f} s] {longest}") < 80


def test_a_live_line_fits_and_ends(monkeypatch):
    """A narrow terminal has whole words."""
    monkeypatch.setenv("COLUMNS", "40")
    stream = Tty()
    view = Terminal(stream)
    view.update("waiting for " + ", ".join(LOGS))
    view.leave()
    view.leave()
    (line,) = stream.getvalue().split("\r")[1:]
    assert len(line.rstrip("\n")) < 40
    assert line.endswith(", …\n") and not line.endswith("\n\n")


def test_a_live_line_of_hangul_is_written_over_whole(monkeypatch):
    """A letter of it takes two columns."""
    monkeypatch.setenv("COLUMNS", "40")
    stream = Tty()
    view = Terminal(stream)
    view.update("클러스터의 네임스페이스를 만드는 중")
    view.update("ok")
    view.update("클러스터의 네임스페이스를 만드는 중이라고 하는 아주 긴 한 줄")
    first, second, third = stream.getvalue().split("\r")[1:]
    assert columns(first) == columns(second)
    assert 30 < columns(third) < 40 and third.endswith(" …")


REPORT = "Problems\n  fatal    disk  full\n  warning  ids  one\nFacts\n  cpu  fatal 2\n"


@pytest.mark.parametrize(
    ("settings", "terminal", "shown"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colours_are_for_a_terminal_that_wants_them(
    monkeypatch, settings, terminal, shown
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert colours(Tty() if terminal else io.StringIO()) == shown


def test_fatal_and_warning_have_a_sign_and_no_column_moves():
    painted = with_signs(REPORT)
    assert "\x1b[31m✗ fatal\x1b[0m    disk" in painted
    assert "\x1b[33m! warning\x1b[0m  ids" in painted
    bare = click.unstyle(painted)
    assert bare == REPORT.replace("  fatal    d", "✗ fatal    d").replace(
        "  warning  i", "! warning  i"
    )


COMPONENT = {"state": "running", "restarts": 2, "last_exit": None, "since": 0.0}


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"phase": "ready"}, "ready"),
        (
            {"phase": "starting", "awaited": ["etcd", "node Ready"]},
            "starting: waiting for etcd and 1 more",
        ),
        ({"phase": "failed", "problem": "disk full"}, "failed: disk full"),
        ({}, "not running; start it with `.venv/bin/kapi up`"),
        (
            {"problem": "its processes were killed"},
            "not running: its processes were killed; start it with `.venv/bin/kapi up`",
        ),
    ],
)
def test_a_status_in_words(changes, first):
    assert status_text({**STATUS, **changes}, 0).splitlines()[0] == first


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"limits": True}, ["limits      enforced"]),
        ({"limits": False}, ["limits      recorded, not enforced"]),
        ({"limits": None, "ends": ""}, []),
        ({"ends": "10 s after x"}, ["ends        10 s after x"]),
    ],
)
def test_a_status_says_what_limits_mean_and_when_it_ends_where_that_is_known(
    changes, shown
):
    lines = status_text({**STATUS, "phase": "ready", **changes}, 0).splitlines()
    assert [line for line in lines if line.startswith(("limits", "ends"))] == shown


@pytest.mark.parametrize(
    ("seconds", "age"), [(59, "59s"), (61, "1m1s"), (7325, "2h2m")]
)
def test_ages_are_readable(seconds, age):
    found = {**STATUS, "phase": "ready", "components": {"etcd": COMPONENT}}
    row = status_text(found, seconds).splitlines()[-1]
    assert row.split() == ["etcd", "running", age, "2", "-"]
