"""The pictures of the lessons: there, readable in both themes, and told in words."""

import itertools
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from helpers.course import lessons
from tests.notebooks import FILES, ROOT, load
from tools import picture
from tools.course import name_predecessors

IMAGES = ROOT / "notebooks/images"
PICTURES = sorted(IMAGES.iterdir())
SVG = "{http://www.w3.org/2000/svg}"
#: an alt text shorter than this cannot say what a picture shows
WORDS_ENOUGH = 20
PICTURE = re.compile(r"!\[([^]]*)\]\(([^)]+)\)")


def tree(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def words(path: Path) -> str:
    texts = tree(path).iter(f"{SVG}text")
    return " ".join(" ".join(text.itertext()) for text in texts)


def test_every_picture_is_used_by_a_lesson_and_told_in_words():
    found = [
        (path.name, alt, (path.parent / file).resolve())
        for path in FILES
        for cell in load(path)["cells"]
        for alt, file in PICTURE.findall("".join(cell["source"]))
    ]
    assert [each for each in found if len(each[1]) < WORDS_ENOUGH] == []
    assert {*PICTURES} == {picture for *_, picture in found}


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_can_be_read_and_translated_and_stands_alone(path):
    """A picture's title and description serve those who do not see it; text is text.

    A picture has its own background, runs nothing, and fetches nothing.
    """
    root = tree(path)
    assert root.tag == f"{SVG}svg"
    for part in ("title", "desc"):
        [told] = root.findall(f"{SVG}{part}")
        assert told.attrib["id"] in root.attrib["aria-labelledby"].split()
        assert told.text.strip()
    assert len(root.findtext(f"{SVG}desc")) >= 100
    assert len(words(path).split()) >= 10
    sizes = [float(text.attrib["font-size"]) for text in root.iter(f"{SVG}text")]
    assert min(sizes) >= 13
    # The face of a translation, so that it is not the browser's choice.
    assert "Noto Sans KR" in root.attrib["font-family"]
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert width == 720 and height <= 420
    panel = next(root.iter(f"{SVG}rect"))
    assert panel.attrib["fill"] == "#ffffff" and panel.attrib["width"] == "719"
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert names.isdisjoint({"script", "image", "use", "foreignObject", "style", "a"})
    for name, value in (pair for each in root.iter() for pair in each.attrib.items()):
        assert not name.startswith("on") and "href" not in name
        assert "url(" not in value or "url(#" in value


def test_the_picture_of_the_course_shows_the_lessons_as_they_are():
    shown = words(IMAGES / "p01-course.svg")
    described = tree(IMAGES / "p01-course.svg").findtext(f"{SVG}desc")
    for lesson in lessons():
        assert re.search(rf"\b{lesson.number}\b", shown), lesson.name
        told = f"{lesson.number} {lesson.title}"
        if lesson.is_core:
            assert lesson.title in shown
        else:
            assert lesson.short in shown
            told += f" ({name_predecessors(lesson)})"
        assert told in described


def test_a_new_lesson_is_in_the_picture_without_a_hand(monkeypatch):
    """Its row is that of the lesson that it follows, and what is new needs room."""
    last = lessons()[-1]
    new = replace(
        last,
        name="28-new",
        short="News & more",
        after=("02-cluster-info",),
        needs=["02-cluster-info", "17-tokens"],
    )
    monkeypatch.setattr(picture, "lessons", lambda: [*lessons(), new])
    drawn = ElementTree.fromstring(picture.draw(str, name_predecessors))
    places = {
        text.text: text.attrib["y"] for text in drawn.iter(f"{SVG}text") if text.text
    }
    [beside] = [
        text.attrib["y"]
        for text in drawn.iter(f"{SVG}text")
        if "".join(text.itertext()).startswith("02 ")
    ]
    assert float(beside) < float(places["News & more"]) < float(beside) + 20
    assert places["28 (17)"]
    wide = [replace(new, name=f"{number}-x", short="W" * 9) for number in (28, 29, 30)]
    monkeypatch.setattr(picture, "lessons", lambda: [*lessons(), *wide])
    with pytest.raises(ValueError, match="after 02 have no room .* `short`"):
        picture.draw(str, name_predecessors)


@pytest.mark.parametrize("folder", [IMAGES, ROOT / "notebooks/ko/images"])
def test_boxes_of_the_picture_of_the_course_are_within_it_and_apart(folder):
    rows: dict[str, list[tuple[float, float]]] = {}
    for box in tree(folder / "p01-course.svg").iter(f"{SVG}rect"):
        if box.attrib["fill"] == "#f0f2f4":
            start, width = float(box.attrib["x"]), float(box.attrib["width"])
            rows.setdefault(box.attrib["y"], []).append((start, start + width))
    assert sum(map(len, rows.values())) == sum(not one.is_core for one in lessons())
    for boxes in rows.values():
        assert boxes[0][0] == picture.MIDDLE and boxes[-1][1] <= picture.RIGHT
        gaps = [right[0] - left[1] for left, right in itertools.pairwise(boxes)]
        assert all(gap >= picture.GAPS[0] for gap in gaps)
