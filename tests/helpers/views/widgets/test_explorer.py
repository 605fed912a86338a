"""The view offers the choices that kubectl has, and asks as kubectl would."""

import json
import subprocess

import pytest

from helpers import errors
from helpers.api.caller import Caller
from helpers.api.discovery import resources
from helpers.api.tokens import create_token
from helpers.views.widgets import explorer_model as model
from helpers.views.widgets.explorer import api_explorer
from helpers.views.widgets.explorer_model import (
    Answered,
    Choice,
    Chosen,
    ExplorerState,
    Loaded,
)
from tests.helpers.api.test_discovery import CORE, NAMED

OFFER = model.Offer(resources=tuple(resources([CORE, NAMED])))
SCALERS = Choice("autoscaling", "v2", "horizontalpodautoscalers")
NODES = Choice("", "v1", "nodes")
AUTHORITY = "kube-root-ca.crt"


def chosen(choice: Choice) -> ExplorerState:
    return model.reduce(ExplorerState(Choice(), OFFER), Chosen(choice))


def test_from_discovery_to_choices():
    """The preferred version is first."""
    assert OFFER.groups() == ["", "autoscaling"]
    assert OFFER.versions("autoscaling") == ["v2", "v1"]
    assert [each.name for each in OFFER.of_version("", "v1")] == ["nodes"]
    assert model.Offer().groups() == []


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        (Choice(resource="/healthz"), "/healthz"),
        (NODES, "/api/v1/nodes?limit=100"),
        (NODES._replace(name="a"), "/api/v1/nodes/a"),
        (SCALERS, "/apis/autoscaling/v2/horizontalpodautoscalers?limit=100"),
        (
            SCALERS._replace(namespace="x", name="a"),
            "/apis/autoscaling/v2/namespaces/x/horizontalpodautoscalers/a",
        ),
        # A slash or a question mark in a name is part of it.
        (NODES._replace(name="../x?y"), "/api/v1/nodes/..%2Fx%3Fy"),
    ],
)
def test_how_a_choice_is_asked_for(choice, path):
    assert model.path_of(chosen(choice)) == path


def test_a_choice_is_settled_on_what_is_offered():
    """The preferred version, and what can be listed; a path by hand stays."""
    assert chosen(Choice("autoscaling")).choice[:3] == SCALERS[:3]
    assert chosen(Choice("no.such.group")).choice == Choice()
    offer = OFFER._replace(paths=("/", "/apis/authentication.k8s.io"))
    unread = model.nearest_choice(Choice("authentication.k8s.io"), offer)
    assert unread == Choice(resource="/apis/authentication.k8s.io")
    assert chosen(Choice(resource="/by/hand")).choice.resource == "/by/hand"


def test_what_is_gone_is_asked_for_no_longer():
    """A kind that stays chosen is not asked for again, for it was answered."""
    before = chosen(SCALERS)
    same = model.reduce(before, Loaded(OFFER))
    assert (same.choice, same.asked) == (before.choice, before.asked)
    gone = model.reduce(before, Loaded(model.Offer()))
    assert (gone.choice, gone.asked) == (Choice(), before.asked + 1)


def test_the_answer_to_a_choice_that_has_passed_by_is_none():
    """The trouble of another one is no trouble of this one."""
    state = chosen(NODES)
    late = model.reduce(state, Answered(state.asked - 1, None, "refused"))
    assert late == state
    now = model.reduce(state, Answered(state.asked, None, "refused"))
    assert (now.trouble, now.answered) == ("refused", state.asked)


def test_a_long_list_says_what_is_left_out():
    """With how many, where the server tells."""
    assert model.remainder({"metadata": {}}) == ""
    assert "has more" in model.remainder({"metadata": {"continue": "x"}})
    known = {"metadata": {"continue": "x", "remainingItemCount": 4900}}
    assert "4,900 more" in model.remainder(known)
    for odd in (None, "text", [], {"metadata": None}):
        assert model.remainder(odd) == ""


# --- With a cluster -------------------------------------------------------------------


@pytest.fixture
def view(cluster):
    """Return an explorer of the cluster."""
    with api_explorer(namespace="kube-system") as opened:
        yield opened


def test_the_line_to_copy_gives_the_same_answer(view):
    """The line runs in bash, as for a learner; a stopped view keeps its last answer."""
    for choice in ({"path": "/version"}, {"resource": "configmaps", "name": AUTHORITY}):
        answer = view.choose(**choice)
        line = ["bash", "-c", view.request()["kubectl"]]
        printed = subprocess.run(line, capture_output=True, timeout=60, check=True)
        assert json.loads(printed.stdout) == answer
    view.stop()
    with pytest.raises(errors.LabError, match="stopped"):
        view.choose(path="/api")
    assert view.answer() == answer


@pytest.mark.parametrize(
    ("group", "path"),
    [("batch", "/apis/batch/v1/namespaces/default/cronjobs?limit=100"), ("no", "/")],
)
def test_it_can_begin_with_a_group(cluster, group, path):
    """Its first request is for that, or for `/` where there is no such group."""
    with api_explorer(group=group, namespace="default") as view:
        view.answer()
        assert view.request()["url"] == cluster.server + path


def test_a_token_is_masked(cluster):
    """Nowhere in what is shown or given back."""
    token = create_token()
    with api_explorer(Caller.bearer(token), namespace="") as view:
        view.choose(path="/version")
        asked = view.request()
        assert asked["headers"]["Authorization"] == "Bearer (masked)"
        view.render(view.state)
        assert token.text not in json.dumps(asked) + view.text() + view._head.value


def test_what_is_not_offered(view):
    """A wrong choice is a single error, which names what there is."""
    for choice, named in (
        ({"group": "no.such.group"}, r"no.such.group.\nIt has \w"),
        ({"resource": "nonsense"}, "kind nonsense in "),
        ({"group": "apps", "version": "v9"}, "apps/v9.\nIt has apps/v1."),
    ):
        with pytest.raises(errors.UnknownKind, match=named):
            view.choose(**choice)
