"""The HTML of views is safe, named and not endless."""

import json
from xml.etree import ElementTree

import pytest

from helpers.views.widgets import markup


def parsed(content: str) -> ElementTree.Element:
    """Read it as XML, which is stricter than a browser."""
    return ElementTree.fromstring(f"<all>{content.replace(' open', '')}</all>")


@pytest.mark.parametrize("name", ["<script>", 'a"b', "안녕 👋", "a&b"])
def test_names_are_text(name):
    """An object's name is shown and never run, whatever is in it."""
    for content in (
        markup.table([name], [[name, name]], caption=name),
        markup.tree({name: [name]}, name=name),
        markup.status(name),
        markup.scroll_region("", name),
        markup.scroll_region("", "", key=name),
    ):
        assert "<script" not in content
        everything = "".join(parsed(content).itertext()) + str(
            [element.attrib for element in parsed(content).iter()]
        )
        assert name in everything


def test_a_table_has_a_caption_and_headers():
    """A screen reader says which column and which row a cell is of."""
    table = parsed(markup.table(["A", "B"], [["x", 1], ["y", 2]], caption="Letters"))
    assert table.findtext(".//caption") == "Letters"
    assert [th.get("scope") for th in table.iter("th")] == ["col", "col", "row", "row"]


def test_a_tree_has_every_value():
    """Maps and lists fold, and say how much is in them."""
    document = {"a": [1, None, True], "b": {}, "c": "text"}
    tree = parsed(markup.tree(document))
    text = "".join(tree.itertext())
    assert {e.text for e in tree.iter("span")} == {"answer", *"abc", *"012"}
    assert all(json.dumps(value) in text for value in (1, None, True, {}, "text"))
    assert len(list(tree.iter("details"))) == 2


def test_what_is_long_is_cut_and_says_so():
    """A list of 5,000 would freeze a page."""
    tree = markup.tree(list(range(5000)))
    assert "… and 4,900 more" in tree and ">4999<" not in tree
    assert "(1,000 characters)" in markup.text("x" * 1000)
