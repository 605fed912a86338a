"""The pictures of README can be drawn anew."""

import pytest

from tests.browser import screenshot


@pytest.mark.full("pictures that are drawn by hand")
def test_a_lesson_is_drawn_in_both_themes(browser, lab, tmp_path):
    screenshot.draw_lesson(browser, lab, screenshot.LESSON, tmp_path)
    light, dark = ((tmp_path / f"lesson-{name}.webp") for name in ("light", "dark"))
    for picture in (light, dark):
        content = picture.read_bytes()
        assert (content[:4], content[8:12]) == (b"RIFF", b"WEBP")
        assert len(content) < 150_000
    assert light.read_bytes() != dark.read_bytes()
