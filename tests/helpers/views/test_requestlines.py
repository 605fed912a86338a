"""A cell ends with a line for each request that it caused, and with no other's."""

import json
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import errors, show_requests
from helpers.views import requestlines
from tests.helpers.views.test_audit import event
from tests.kernels import CONNECT, finish, kernel, run

POD = "system:serviceaccount:inside-a-pod-2:curl"
LIST = "/api/v1/namespaces/inside-a-pod-2/pods"


def request(uri=LIST, user="kubernetes-admin", **more) -> dict:
    return json.loads(event(uri, user=user, **more))


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            {"verb": "list", "userAgent": "kubectl/v1 (linux)"},
            f"→ GET {LIST} 200 kubectl",
        ),
        ({"verb": "create", "userAgent": ""}, f"→ POST {LIST} 200"),
        ({"verb": "update"}, f"→ PUT {LIST} 200"),
        ({"verb": "deletecollection"}, f"→ DELETE {LIST} 200"),
        ({"verb": "head"}, f"→ HEAD {LIST} 200"),
        (
            {"verb": "watch", "userAgent": "OpenAPI-Generator/37.0.2/python"},
            f"→ GET {LIST} 200 python",
        ),
        (
            {"user": POD, "responseStatus": {"code": 403}, "userAgent": "curl/8"},
            f"→ GET {LIST} 403 curl as {POD}",
        ),
        ({"impersonatedUser": {"username": "jane"}}, f"→ GET {LIST} 200 as jane"),
        ({"user": "system:anonymous"}, f"→ GET {LIST} 200 as system:anonymous"),
        # Nobody knows who sends a bad token.
        ({"user": "", "responseStatus": {"code": 401}}, f"→ GET {LIST} 401"),
        ({"uri": f"/{'x' * 200}"}, f"→ GET /{'x' * 79}…{'x' * 20} 200"),
        ({"uri": f"/?t=eyJh.eyJ.{'s' * 9}"}, "→ GET /?t=eyJ… 200"),
        ({"responseStatus": {}}, f"→ GET {LIST} …"),
    ],
)
def test_a_line_is_what_was_asked_and_answered(monkeypatch, asked, line):
    monkeypatch.setenv("NAMESPACE", "inside-a-pod-2")
    assert requestlines.lines([request(**asked)]) == [line]


@pytest.mark.parametrize(
    ("user", "about", "namespace", "shown"),
    [
        ("me", {"namespace": "inside-a-pod-2"}, "inside-a-pod-2", True),
        # The cell that connects removes what an earlier kernel has made.
        ("me", {"namespace": "inside-a-pod"}, "inside-a-pod-2", True),
        ("me", {"namespace": "recap"}, "inside-a-pod-2", False),
        (POD, {}, "recap", False),
        (POD, {"namespace": "recap"}, "recap", False),
        ("me", {"namespace": "default"}, "recap", True),
        ("me", {}, "", True),
    ],
)
def test_another_lesson_s_requests_are_not_this_cell_s(
    monkeypatch, user, about, namespace, shown
):
    monkeypatch.setenv("NAMESPACE", namespace)
    assert bool(requestlines.lines([request(user=user, about=about)])) == shown


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"impersonatedUser": {"username": POD}}, False),
        ({"impersonatedUser": {"username": "system:serviceaccount:recap:app"}}, True),
        ({"impersonatedUser": {"username": "jane"}}, True),
        ({"about": {"resource": "namespaces", "name": "inside-a-pod"}}, False),
        ({"about": {"resource": "namespaces", "name": "recap-2"}}, True),
        ({"about": {"resource": "namespaces"}}, True),
        # An object that is called like a lesson, and lies in no namespace.
        ({"about": {"resource": "clusterroles", "name": "inside-a-pod"}}, True),
    ],
)
def test_a_second_notebook_s_accounts_and_namespaces_are_not_shown(
    monkeypatch, asked, shown
):
    """Nor is the request that makes its namespace, or acts as its account."""
    monkeypatch.setenv("NAMESPACE", "recap")
    assert bool(requestlines.lines([request("/api/v1/any", **asked)])) == shown


def test_equal_lines_are_one_and_there_are_not_too_many():
    waiting = [request(second=n) for n in range(3)]
    assert requestlines.lines(waiting) == [f"→ GET {LIST} 200 × 3"]
    many = [request(f"/{n}") for n in range(requestlines.MOST + 7)]
    *some, last = requestlines.lines(many)
    assert len(some) == requestlines.MOST and last == "… and 7 more"


# --- A notebook whose log is written by the test --------------------------------------


@pytest.fixture
def notebook(monkeypatch):
    """Return an IPython, and in it a log with one request, or the error `fault`."""
    shell = InteractiveShell.instance()
    shell.fault = None

    def opened():
        if shell.fault:
            raise shell.fault
        return SimpleNamespace(read=lambda make: make([request()]))

    monkeypatch.setattr(requestlines, "audit_log", opened)
    monkeypatch.setattr("helpers.command._backend", object())
    # A kernel writes no prompt before a value that shows nothing.
    monkeypatch.setattr(shell.displayhook, "write_output_prompt", lambda: None)
    yield shell
    shell.fault = None
    show_requests(False)
    InteractiveShell.clear_instance()


ONE = f"→ GET {LIST} 200\n"
ON, OFF = "from helpers import show_requests\nshow_requests()", "show_requests(False)"


def test_each_cell_ends_with_them_until_they_are_off(notebook, capsys):
    """The cell that puts them on or off, too; also one that fails; not one that checks.

    To put them on twice is to put them on.
    """

    def shown(source):
        notebook.run_cell(source)
        return capsys.readouterr().out

    assert shown("None") == ""
    assert shown(ON) == ONE
    assert shown("None") == ONE
    assert shown("1 / 0").endswith(ONE)
    assert shown("raise KeyboardInterrupt").endswith(ONE)
    assert shown("# checks.reach(url)") == ""
    assert shown("show_requests()\nprint()") == f"{ONE}\n{ONE}"
    assert shown("None") == ONE
    assert shown(OFF) == ONE
    assert shown("None") == ""
    assert shown(OFF) == ""


def test_a_block_has_its_lines_and_then_they_are_off(notebook, capsys):
    """Also if a command in it fails: nothing has to be put off by hand."""
    block = "from helpers import show_requests\nwith show_requests():\n    "
    notebook.run_cell(f"{block}pass\nprint('after')")
    assert capsys.readouterr().out == f"{ONE}after\n"
    notebook.run_cell(f"{block}1 / 0")
    assert capsys.readouterr().out.startswith(ONE)
    notebook.run_cell("None")
    assert capsys.readouterr().out == ""


def test_a_check_is_known_by_its_tag(notebook, capsys, monkeypatch):
    """Where the notebook's program sends tags; a word in the cell is no check."""
    tags = []
    parent = {"metadata": {"tags": tags}}
    monkeypatch.setattr(notebook, "get_parent", lambda: parent, raising=False)
    notebook.run_cell(ON)
    for tag, source, shown in [
        ("check", "None", ""),
        ("exercise", "# not one of the checks.", ONE),
        ("check", "# checks.reach(url)", ""),
    ]:
        tags[:] = [tag]
        capsys.readouterr()
        notebook.run_cell(source)
        assert capsys.readouterr().out == shown


def test_why_there_are_none_is_said_once(notebook, capsys):
    """And again when it is another reason, or the same after there were some."""
    notebook.fault = errors.LabError("The log is its administrator's.", "Ask.")
    notebook.run_cell(ON)
    said = "No requests are shown: The log is its administrator's.\n"
    assert capsys.readouterr().out == said
    notebook.run_cell("None")
    assert capsys.readouterr().out == ""
    notebook.fault = errors.ClusterDown("stopped")
    notebook.run_cell("None")
    said = "No requests are shown: The cluster does not run.\n"
    assert capsys.readouterr().out == said
    notebook.fault = None
    notebook.run_cell("None")
    assert capsys.readouterr().out == ONE
    notebook.fault = errors.ClusterDown("stopped")
    notebook.run_cell("None")
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("wrong", ["off", 0, None])
def test_what_is_neither_on_nor_off_is_refused(notebook, wrong):
    with pytest.raises(errors.LabError, match=f"True or False, not {wrong!r}"):
        show_requests(wrong)


def test_before_connect_and_outside_of_a_notebook(monkeypatch):
    monkeypatch.setattr("helpers.command._backend", None)
    with pytest.raises(errors.NotConnected):
        show_requests()
    monkeypatch.setattr("helpers.command._backend", object())
    with pytest.raises(errors.LabError, match="needs a notebook"):
        show_requests()


# --- With a cluster -------------------------------------------------------------------


def test_a_kernel_shows_what_its_cells_ask(cluster):
    """In a lesson's namespace; what a cell asked before it failed, too."""
    with kernel(str(cluster.kubeconfig.parent)) as (_, client):
        run(client, CONNECT)
        name = run(client, 'cluster.create_namespace("recap")').strip("'")
        assert run(client, ON) == ""
        root = f"/api/v1/namespaces/{name}"
        *_, last = run(client, "!kubectl get configmaps").splitlines()
        assert last == f"→ GET {root}/configmaps?limit=500 200 kubectl"
        client.execute(
            "from helpers import kubectl\n"
            "kubectl('get secrets')\n"
            "kubectl('get secret none')"
        )
        text, error = finish(client)
        assert "none" in error
        listed, refused, *_ = text.splitlines()
        assert listed == f"→ GET {root}/secrets?limit=500 200 kubectl"
        assert refused == f"→ GET {root}/secrets/none 404 kubectl"
        run(client, OFF)
        assert "→" not in run(client, "kubectl('get secrets')")
        run(client, f"cluster.delete_namespace('{name}')")
