"""What an account may do, before and now; from which bindings; and what is too much."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from helpers import grants
from helpers.grants import PERMISSIVE, Field, Rules
from helpers.rbac import Attempt, Objects
from helpers.reviews import Account, access_review
from helpers.watch import BROKEN, LISTED, RECONNECTED, Event

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
READER = Account.read("reader", "home")
ADMIN = {
    "kind": "ClusterRole",
    "metadata": {"name": "cluster-admin"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
}
SEE = {
    "kind": "Role",
    "metadata": {"name": "see", "namespace": "home"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
}


def binding(*subjects, role=SEE, kind="RoleBinding", name="b", namespace="home"):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    reference = {"kind": role["kind"], "name": role["metadata"]["name"]}
    parts = {"metadata": metadata, "roleRef": reference}
    return {"kind": kind, **parts, "subjects": list(subjects)}


def account(name="reader", namespace="home"):
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def group(name):
    return {"kind": "Group", "name": name}


def fields_of(*bindings, before=None, yes=("get",), namespace="home"):
    after = pd.DataFrame([[("yes" if v in yes else "no") for v in ("get", "list")]])
    after.index, after.columns = ["pods"], ["get", "list"]
    attempts = {
        ("pods", verb): Attempt(READER.user, verb, "pods", namespace=namespace)
        for verb in after.columns
    }
    objects = Objects(list(bindings), [SEE, ADMIN])
    return grants.fields(before, after, attempts, READER, objects)


def test_a_small_grant_is_named_and_not_too_much():
    """The rest stays a plain no."""
    assert fields_of(binding(account())) == [
        Field("pods", "get", "", "yes", ("RoleBinding b",), False),
        Field("pods", "list", "", "no"),
    ]


def test_the_binding_of_the_book_lights_up():
    """All that comes from it alone is too much, and it is named."""
    both = fields_of(PERMISSIVE, yes=("get", "list"))
    assert [one.too_much for one in both] == [True, True]
    assert both[0].by == ("ClusterRoleBinding permissive-binding",)


def test_what_a_small_grant_gives_too_is_not_too_much():
    """The crowd's binding may go, and this right stays."""
    small = binding(account())
    get, listed = fields_of(PERMISSIVE, small, yes=("get", "list"))
    assert not get.too_much and listed.too_much


def test_a_namesake_elsewhere_is_no_excuse_and_no_excess():
    """Two bindings of one name in two namespaces are two."""
    crowd = binding(
        group("system:serviceaccounts"), role=ADMIN, name="b", namespace="other"
    )
    assert not fields_of(binding(account()), crowd)[0].too_much


def test_a_right_of_another_authorizer_is_not_judged():
    """A yes that no binding explains is not RBAC's."""
    [get, _] = fields_of()
    assert (get.after, get.by, get.too_much) == ("yes", (), False)


@pytest.mark.parametrize(
    ("was", "now", "excess", "words"),
    [
        ("", "no", False, "no"),
        ("no", "no", False, "no"),
        ("no", "yes", False, "no → yes"),
        ("yes", "no", False, "yes → no"),
        ("no", "yes", True, "no → yes, TOO MUCH"),
        ("", "yes", True, "yes, TOO MUCH"),
    ],
)
def test_a_field_in_words(was, now, excess, words):
    assert Field("pods", "get", was, now, (), excess).words == words


def test_what_was_before_may_know_less():
    """A field that the older table lacks is not compared."""
    before = pd.DataFrame({"get": ["no"]}, index=["pods"])
    assert [one.before for one in fields_of(before=before)] == ["no", ""]


@pytest.mark.parametrize(
    ("subject", "named"),
    [
        (account(), True),
        (account("other"), False),
        (account(namespace="other"), False),
        (group("system:serviceaccounts:home"), True),
        (group("system:authenticated"), True),
        (group("system:masters"), False),
        ({"kind": "User", "name": READER.user}, True),
        ({"kind": "User", "name": "reader"}, False),
    ],
)
def test_whom_a_binding_names(subject, named):
    assert grants.names(binding(subject), READER) == named


def test_a_binding_without_subjects_names_nobody():
    assert not grants.names(binding(), READER)


@pytest.mark.parametrize(("namespace", "count"), [("home", 1), ("other", 0), ("", 0)])
def test_a_role_ends_at_its_namespace(namespace, count):
    attempt = Attempt(READER.user, "get", "pods", namespace=namespace)
    mine = [binding(account())]
    assert len(grants.granting(attempt, mine, Objects(mine, [SEE]))) == count


def test_a_review_becomes_an_attempt():
    review = access_review(READER, "get", "jobs.batch/status -n far", "home")
    wanted = Attempt(READER.user, "get", "jobs", "batch", "status", namespace="far")
    assert grants.attempt_of(review) == wanted


def test_rows_as_data():
    frame = grants.frame(fields_of(PERMISSIVE))
    assert list(frame) == grants.COLUMNS
    assert frame["TOO MUCH"].tolist() == [True, False]
    assert list(grants.frame([])) == grants.COLUMNS


def page(*items, token=""):
    return {"items": items, "metadata": {"continue": token} if token else {}}


def bare(one):
    """Return an item as a list gives it: without its kind."""
    return {key: value for key, value in one.items() if key != "kind"}


def test_rules_follow_lists_and_events():
    """Items get their kind back; what is deleted is gone; half a list is none."""
    rules = Rules()
    first, second = binding(name="a"), binding(name="b")
    kind = "RoleBinding"
    assert not rules.hear(kind, Event(LISTED, page(bare(first), token="more"), NOW))
    assert rules.objects().bindings == []
    assert rules.hear(kind, Event(LISTED, page(bare(second)), NOW))
    assert rules.objects().bindings == [first, second]
    assert rules.hear(kind, Event("DELETED", bare(first), NOW))
    assert rules.hear("Role", Event("ADDED", SEE, NOW))
    assert rules.objects() == Objects([second], [SEE])


def test_half_a_list_leaves_no_rules():
    """One that broke off is listed anew; a binding of it may be gone by now."""
    rules, kind = Rules(), "RoleBinding"
    ghost, real = binding(name="ghost"), binding(name="real")
    rules.hear(kind, Event(LISTED, page(bare(ghost), token="more"), NOW, first=True))
    rules.hear(kind, Event(BROKEN, {"message": "cut off"}, NOW))
    rules.hear(kind, Event(LISTED, page(bare(real)), NOW, first=True))
    assert rules.objects().bindings == [real]


def test_a_broken_watch_is_told_until_it_is_back():
    """A bookmark changes no right; to be connected again may have."""
    rules = Rules()
    assert not rules.hear("Role", Event(BROKEN, {"message": "refused"}, NOW))
    assert rules.troubles == {"Role": "refused"}
    assert rules.hear("Role", Event(RECONNECTED, {}, NOW))
    assert rules.troubles == {}
    assert not rules.hear("Role", Event("BOOKMARK", {"metadata": {}}, NOW))
