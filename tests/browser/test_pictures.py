"""In a browser no text of a picture leaves its box, in either language."""

import pytest

from tests.notebooks import ROOT

pytestmark = [
    pytest.mark.full("pictures that are drawn by hand"),
    pytest.mark.timeout(120),
]
PICTURES = sorted(ROOT.glob("notebooks/**/images/*.svg"))
#: Returns the texts that stick out of the smallest box around their middle; without
#: one, out of the picture.
OUTSIDE = """() => {
    const area = (box) => box.width * box.height;
    const boxes = [document.documentElement, ...document.querySelectorAll("rect")]
        .map((element) => element.getBoundingClientRect())
        .sort((one, other) => area(one) - area(other));
    const around = (box, x, y) =>
        box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    return [...document.querySelectorAll("text")].filter((text) => {
        const own = text.getBoundingClientRect();
        const [x, y] = [(own.left + own.right) / 2, (own.top + own.bottom) / 2];
        const box = boxes.find((box) => around(box, x, y));
        return !box || own.left < box.left || own.right > box.right;
    }).map((text) => text.textContent.trim());
}"""
#: Returns the pairs of texts that lie on each other, by more than a pixel.
OVERLAPS = """() => {
    const texts = [...document.querySelectorAll("text")].map(
        (text) => [text.textContent.trim(), text.getBoundingClientRect()]);
    const cross = (one, other) =>
        Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
        Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1;
    return texts.flatMap(([words, box], place) => texts.slice(place + 1)
        .filter(([, other]) => cross(box, other)).map(([more]) => [words, more]));
}"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize(
    "picture", PICTURES, ids=lambda path: f"{path.parts[-3]}-{path.stem}"
)
def test_no_text_leaves_its_box_or_lies_on_another(page, picture):
    page.goto(picture.as_uri())
    assert page.locator("text").count() > 5
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPS) == []
