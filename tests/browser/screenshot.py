"""Draw the pictures of README: a lesson in JupyterLab, in both languages and themes.

    .venv/bin/python -m tests.browser.screenshot

The lesson runs on this checkout's cluster as far as the pictures show it; its namespace
is deleted in the end.
"""

import base64
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from helpers.course.lab import korean_environment
from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import THEMES, OpenNotebook
from tests.notebooks import ROOT
from website import card

LESSON = "06-be-allowed"
#: the cells that run; the last one is at the upper edge of a picture
CELLS = ("connect", "pod", "journey-view")
#: pixels of the page, and how many of the picture each of them has
WINDOW, SCALE = ViewportSize(width=1060, height=780), 1.5
#: environment, lesson and directory of the pictures
EDITIONS = [
    ({"LAB_LANG": "en"}, LESSON, ROOT / "docs" / "images"),
    (
        korean_environment({"LAB_LANG": "ko"}),
        f"ko/{LESSON}",
        ROOT / "docs" / "ko" / "images",
    ),
]
#: puts a cell at the upper edge of the notebook, and takes the focus off it
SCROLL = """cell => {
    cell.scrollIntoView({block: "start"});
    document.activeElement.blur();
}"""
#: returns a PNG as WebP, which has half of its bytes; both in base64
TO_WEBP = """async png => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").drawImage(image, 0, 0);
    const blob = await canvas.convertToBlob({type: "image/webp", quality: 0.8});
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
}"""


def draw_lesson(browser: Browser, lab: JupyterLab, lesson: str, folder: Path) -> None:
    """Run the lesson's cells, and write a picture of each theme into a directory."""
    context = browser.new_context(viewport=WINDOW, device_scale_factor=SCALE)
    notebook = OpenNotebook(context.new_page(), lab.address(lesson), lesson).open()
    notebook.run(*CELLS)
    if errors := notebook.errors():
        sys.exit(f"{lesson}: {errors}")
    folder.mkdir(parents=True, exist_ok=True)
    for theme in THEMES:
        notebook.theme(theme)
        notebook.select(CELLS[-1]).evaluate(SCROLL)
        picture = folder / f"lesson-{theme}.webp"
        picture.write_bytes(webp(notebook.page))
        print(picture)
    notebook.execute("cluster.delete_namespace(namespace)")
    context.close()


def webp(page: Page) -> bytes:
    """Return what a page shows, as the content of a WebP file."""
    png = base64.b64encode(page.screenshot()).decode()
    return base64.b64decode(page.evaluate(TO_WEBP, png))


def main() -> None:
    """Draw the pictures of every edition."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=card.browser())
        for environment, lesson, folder in EDITIONS:
            with tempfile.TemporaryDirectory() as own:
                lab = JupyterLab(Path(own))
                try:
                    draw_lesson(browser, lab.start(**environment), lesson, folder)
                finally:
                    lab.stop()


if __name__ == "__main__":
    main()
