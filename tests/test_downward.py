"""Where a pod sees a label, and how long the copies take to follow."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster import errors
from helpers.downward import COLUMNS, Changes, Copies, copies_of, read_labels
from helpers.followers import BROKEN, FILE, NO_FILE, NO_VARIABLE, VARIABLE, Seen
from helpers.watch import BROKEN as UNHEARD
from helpers.watch import LISTED, RECONNECTED, Event

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
ALL = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
ONE = {"path": "one", "fieldRef": {"fieldPath": "metadata.labels['foo']"}}
COPIES = Copies("foo", "main", "/etc/downward/labels", True, "FOO")


def spec(*items, source="downwardAPI", variable="foo", **mount):
    volume = {"name": "d", "downwardAPI": {"items": list(items)}}
    if source == "projected":
        parts = [{"secret": {"name": "s"}}, {"downwardAPI": {"items": list(items)}}]
        volume = {"name": "d", "projected": {"sources": parts}}
    field = {"fieldRef": {"fieldPath": f"metadata.labels['{variable}']"}}
    mounts = [{"name": "d", "mountPath": "/etc/downward/", **mount}]
    container = {
        "name": "main",
        "env": [{"name": "FOO", "valueFrom": field}, {"name": "PLAIN", "value": "x"}],
        "volumeMounts": [{"name": "other", "mountPath": "/x"}, *mounts],
    }
    plain = {"name": "plain"}
    metadata = {"name": "p", "labels": {"app": "demo", "foo": "bar"}}
    return {
        "metadata": metadata,
        "spec": {"containers": [plain, container], "volumes": [volume]},
    }


@pytest.mark.parametrize("source", ["downwardAPI", "projected"])
def test_the_label_that_is_seen_both_ways_comes_first(source):
    """In a volume of its own, or in a projected one."""
    assert copies_of(spec(ALL, source=source)) == COPIES


def test_another_label_has_a_file_and_no_variable():
    assert copies_of(spec(ALL), "app") == Copies("app", "main", COPIES.file, True)


def test_a_file_of_one_label():
    """Its content is the value."""
    copies = copies_of(spec(ONE))
    assert copies == Copies("foo", "main", "/etc/downward/one", False, "FOO")
    assert copies.value_in("bar") == "bar"


@pytest.mark.parametrize(
    ("pod", "label"),
    [
        (spec(ALL, subPath="labels"), ""),
        (spec(ALL, subPathExpr="$(NAME)"), ""),
        (spec(), ""),
        (spec(ONE), "app"),
        ({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}}, ""),
    ],
)
def test_a_pod_without_a_file_that_follows(pod, label):
    """What is mounted by subPath does not follow."""
    with pytest.raises(errors.NoCopy) as caught:
        copies_of(pod, label)
    assert (caught.value.pod, caught.value.label) == ("p", label)


def test_a_file_of_labels_is_read():
    text = 'a="1"\nempty=""\nq="x=\\"y\\""\n'
    assert read_labels(text) == {"a": "1", "empty": "", "q": 'x="y"'}
    assert COPIES.value_in('app="demo"') is None


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def pod(foo):
    labels = {"app": "demo"} | ({} if foo is None else {"foo": foo})
    return {"metadata": {"name": "p", "labels": labels}}


class Story:
    """Changes, told in short words."""

    def __init__(self) -> None:
        self.changes = Changes(COPIES)
        self.changes.hear(Event(LISTED, {"items": [pod("bar")]}, NOW))
        self.changes.see(Seen(VARIABLE, "bar", NOW))
        self.file("bar", 0)

    def label(self, value, seconds, kind="MODIFIED"):
        self.changes.hear(Event(kind, pod(value), at(seconds)))

    def file(self, value, seconds):
        text = 'app="demo"' + ("" if value is None else f'\nfoo="{value}"')
        self.changes.see(Seen(FILE, text, at(seconds)))

    def rows(self):
        return [(c.value, c.seconds, c.overtaken) for c in self.changes.history]


def test_a_change_and_the_seconds_of_the_file():
    story = Story()
    assert story.rows() == [] and story.changes.waiting(NOW) is None
    story.label("new", 10)
    assert story.changes.waiting(at(13)) == 3
    assert story.changes.seconds_of("new") is None
    story.file("new", 14)
    assert story.changes.waiting(at(20)) is None
    assert story.changes.seconds_of("new") == 4
    frame = story.changes.frame()
    assert list(frame) == COLUMNS
    assert frame.loc[0, "FILE AFTER"] == 4 and frame.loc[0, "VARIABLE THEN"] == "bar"


def test_a_change_before_the_first_list():
    """The list of the Watch may be of after: what was read earlier counts."""
    changes = Changes(COPIES)
    changes.begin(pod("bar"), NOW)
    assert (changes.value, changes.history) == ("bar", [])
    changes.hear(Event(LISTED, {"items": [pod("new")]}, at(1)))
    assert [(one.value, one.at) for one in changes.history] == [("new", at(1))]


def test_another_change_of_the_pod_is_none_of_the_label():
    """Its status changes all the time."""
    story = Story()
    story.label("bar", 5)
    assert story.rows() == []


def test_a_value_may_be_overtaken():
    story = Story()
    story.label("a", 1)
    story.label("b", 2)
    story.file("b", 3)
    assert story.rows() == [("a", None, True), ("b", 1, False)]


def test_each_of_two_values_may_be_seen():
    story = Story()
    story.label("a", 1)
    story.label("b", 2)
    story.file("a", 3)
    assert story.changes.waiting(at(4)) == 2
    story.file("b", 5)
    assert story.rows() == [("a", 2, False), ("b", 3, False)]


def test_the_news_of_the_file_may_be_the_quicker():
    """Two ways lead here, and neither waits for the other."""
    story = Story()
    story.file("new", 1)
    story.label("new", 1.1)
    assert story.rows() == [("new", 0, False)]


def test_there_and_back_before_the_kubelet_looked():
    story = Story()
    story.label("a", 1)
    story.label("bar", 1.1)
    assert story.rows() == [("a", None, True), ("bar", 0, False)]


def test_a_label_may_go():
    story = Story()
    story.label(None, 1)
    story.file(None, 3)
    assert story.rows() == [(None, 2, False)]


def test_a_pod_that_goes_and_comes():
    story = Story()
    story.label("bar", 1, "DELETED")
    assert story.changes.gone
    story.label("bar", 2, "ADDED")
    assert not story.changes.gone
    story.changes.hear(Event(LISTED, {"items": []}, NOW))
    assert story.changes.gone


def test_broken_ways_are_told_until_they_are_mended():
    story = Story()
    changes = story.changes
    changes.hear(Event(UNHEARD, {"message": "refused"}, NOW))
    for kind in (BROKEN, NO_FILE):
        changes.see(Seen(kind, "why", NOW))
        assert (changes.unheard, changes.unseen) == ("refused", "why")
    changes.hear(Event(RECONNECTED, {}, NOW))
    changes.see(Seen(NO_VARIABLE, "", NOW))
    assert (changes.unheard, changes.unseen, changes.variable) == ("", "", None)
