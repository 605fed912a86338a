"""A plot says in words what it draws."""

from helpers.widgets import plots


def test_the_words_are_those_of_the_picture():
    """How many, and how long ago, of what is drawn and in its order."""
    counts = {"DELETED": [0, 0, 0, 1], "ADDED": [2, 0, 3, 0], "OTHER": [9, 9, 9, 9]}
    said = plots.in_words(counts, ["ADDED", "MODIFIED", "DELETED"])
    assert said == "5 ADDED, 4 s to 2 s ago; 1 DELETED, 1 s ago"
    assert plots.in_words({}, ["ADDED"]) == "none"


def test_the_label_names_the_picture():
    """Safe, whatever is in it."""
    svg = plots.lanes({"ADDED": [1]}, {"ADDED": ("o", "#009e73")}, label='a "b" <c>')
    assert 'role="img" aria-label="a &quot;b&quot; &lt;c&gt;"' in svg
