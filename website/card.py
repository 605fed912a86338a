"""Draw the card of the site, which others show with a link to a page.

Chromium draws it. Where there is none, the pages name no card.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: pixels, as Open Graph has them
WIDTH, HEIGHT = 1200, 630
PAGE = """<meta charset="utf-8"><body style="margin: 24px; text-align: center">
<h1 style="font: bold 46px 'DejaVu Sans', 'Noto Sans KR', sans-serif; margin: 0 0 20px">
{name}</h1><div style="zoom: 1.22">{picture}</div>"""


def browser() -> str:
    """Return the path of Chromium; "" if it is not here."""
    return shutil.which("chromium") or shutil.which("google-chrome") or ""


def draw(name: str, books: Path, target: Path) -> None:
    """Write a PNG with the name of the course above a picture of its notebooks."""
    if not browser():
        print(f"No {target.name} without Chromium. Run: sh tools/setup.sh tests")
        return
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "card.html")
        picture = (books / "images" / "p06-refusals.svg").read_text("utf-8")
        page.write_text(PAGE.format(name=name, picture=picture), "utf-8")
        line = [
            *(browser(), "--headless", "--hide-scrollbars"),
            # Root has no sandbox of its own; the page is only ours.
            "--no-sandbox",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--user-data-dir={folder}/profile",
            f"--screenshot={target}",
            page.as_uri(),
        ]
        done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode or not target.exists():
        sys.exit(f"{browser()} draws no {target.name}: {done.stderr.strip()[-500:]}")
