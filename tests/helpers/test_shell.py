"""A cell of `%%sh` fails where a command in it fails, and tells how."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from cluster.tests.slowness import scaled
from helpers import command, errors
from helpers.shell import add_magic
from tests.kernels import CONNECT, finish, kernel, run as cell


@pytest.fixture
def notebook(monkeypatch):
    """Return an IPython with the magic, as after `connect()`."""
    monkeypatch.setattr(command, "kubeconfig_in_use", lambda: "")
    shell = InteractiveShell.instance()
    add_magic()
    yield shell
    InteractiveShell.clear_instance()


def run(notebook, script):
    """Run a cell; return what it raised, or None."""
    return notebook.run_cell(f"%%sh\n{script}").error_in_exec


def test_a_cell_whose_commands_end_well_shows_what_they_say(notebook, capfd):
    assert run(notebook, "echo one\necho two | tr a-z A-Z") is None
    assert capfd.readouterr().out.endswith("one\nTWO\n")
    assert notebook.user_ns["_exit_code"] == 0


def test_what_commands_say_stays_in_order(notebook, capfd):
    """Errors too; the line that bash names is that of the cell."""
    told = "for n in {1..20}; do echo out; echo err >&2; done"
    assert run(notebook, f"{told}\nno-such-program || true") is None
    shown = capfd.readouterr().out
    assert "out\nerr\n" * 20 in shown
    assert "line 2: no-such-program" in shown


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param("echo one\n(exit 7)\necho two", 7, id="in the middle"),
        pytest.param("(exit 7) | cat\necho two", 7, id="in a pipe"),
        pytest.param("echo $NO_SUCH_VARIABLE\necho two", 1, id="no such variable"),
        pytest.param("no-such-program\necho two", 127, id="no such program"),
    ],
)
def test_the_first_failure_ends_the_cell(notebook, capfd, script, code):
    """The error names the code, and is no traceback of ours."""
    failed = run(notebook, script)
    assert isinstance(failed, errors.LabError)
    assert f"ended with exit code {code}." in failed.message
    assert notebook.user_ns["_exit_code"] == code
    assert "two\n" not in capfd.readouterr().out
    assert failed.__suppress_context__


def test_a_cell_that_is_stopped_says_so(notebook):
    """As any other: IPython gives its commands the signal of Ctrl-C."""
    stopped = run(notebook, "kill -INT $$; sleep 10")
    assert isinstance(stopped, KeyboardInterrupt)


def test_a_pipe_that_was_read_no_further_is_said_so(notebook):
    failed = run(notebook, "yes | head -n 1")
    assert "exit code 141" in failed.message
    assert "had read enough" in failed.hint


def test_a_failure_that_is_expected_is_said_so(notebook):
    assert run(notebook, "(exit 60) || echo $?") is None


def test_lines_from_windows_are_lines(notebook, capfd):
    """Also in a here-document, whose end bash would not find."""
    assert run(notebook, "cat <<END\r\none\r\nEND\r\necho two") is None
    assert capfd.readouterr().out.endswith("one\ntwo\n")


@pytest.mark.parametrize(
    "line", ["%%sh\nkubectl edit {}", "!kubectl edit {}", 'kubectl("edit {}")']
)
def test_a_cell_has_no_editor_and_says_so_at_once(cluster, monkeypatch, line):
    """Whatever editor the learner has."""
    monkeypatch.setenv("KUBE_EDITOR", "sleep 600 #")
    said = "A cell has no editor: use `kubectl patch`, `kubectl label`, "
    with kernel(str(cluster.kubeconfig.parent)) as (_, client):
        cell(client, f"{CONNECT}\nfrom helpers import kubectl")
        client.execute(line.format("namespace default"))
        shown = "".join(finish(client, scaled(20)))
    assert said in shown


def test_before_connect_a_kernel_runs_nothing(tmp_path, monkeypatch):
    """As in `make lab`, whose kubeconfig leads to the namespace `default`."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with kernel(str(tmp_path)) as (_, client):
        client.execute(f"%%sh\ntouch {tmp_path}/too-early")
        _, error = finish(client)
        client.execute("%who")
        names, _ = finish(client)
    assert error == f"NotConnected: {errors.NotConnected()}"
    assert names == "Interactive namespace is empty.\n"
    assert not (tmp_path / "too-early").exists()


def test_kubectl_of_before_connect_makes_nothing_in_default(cluster, monkeypatch):
    """As in `make lab`: kubectl itself says what comes first."""
    state = str(cluster.kubeconfig.parent)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    with kernel(state) as (_, client):
        said = cell(client, "!kubectl create configmap too-early")
    assert "run the cell with `connect()` first" in said
    assert "too-early" not in command.kubectl("get cm -n default -o name").stdout


def test_a_kubeconfig_of_the_learners_own_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/nowhere/own")
    with kernel(str(tmp_path)) as (_, client):
        assert cell(client, "!echo $KUBECONFIG") == "/nowhere/own\r\n"


def test_a_cell_says_that_the_cluster_is_away(notebook, phase):
    """What the command printed about it is above."""
    phase("stopped")
    assert isinstance(run(notebook, "exit 1"), errors.ClusterDown)
    phase("ready")
    assert type(run(notebook, "exit 1")) is errors.LabError


def test_in_a_tab_bash_runs_and_nothing_can_be_installed(notebook, monkeypatch, capsys):
    """IPython's own ways start a thread, and pip."""
    monkeypatch.setattr("sys.platform", "emscripten")
    add_magic()
    assert notebook.run_cell("%%bash\nfalse\necho $((1 + 1))").error_in_exec is None
    assert capsys.readouterr().out.endswith("2\n")
    failed = notebook.run_cell("%pip install x").error_in_exec
    assert isinstance(failed, errors.LabError) and "In JupyterLab" in failed.hint


def test_outside_of_a_notebook_nothing_happens():
    """`connect()` works in a script, too."""
    InteractiveShell.clear_instance()
    add_magic()
