"""Photograph each notebook as a learner sees it, light and dark, for people to look at.

`python -m tools.screenshots` writes the first screens; `--widgets` also runs the
notebooks, on the learner's cluster, and takes every output that holds a widget.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import WINDOW, find_chromium
from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import THEMES, OpenNotebook
from tests.notebooks import FILES, ROOT, in_lab


def photograph(notebook: OpenNotebook, target: Path, *, widgets: bool) -> int:
    """Write the pictures of an open notebook; return how many."""
    count = 0
    for theme in THEMES:
        notebook.theme(theme)
        notebook.screenshot(target / f"{notebook.name}-{theme}.png")
        count += 1
    if not widgets:
        return count
    notebook.run_all()
    for theme in THEMES:
        notebook.theme(theme)
        for cell in notebook.with_widgets():
            notebook.screenshot(target / f"{notebook.name}-{cell}-{theme}.png", cell)
            count += 1
    return count


def main(arguments: list[str] | None = None) -> int:
    """Photograph the notebooks named, or all; return 1 without a browser."""
    names = [in_lab(path) for path in FILES]
    parser = argparse.ArgumentParser("python -m tools.screenshots", description=__doc__)
    parser.add_argument("notebooks", nargs="*", metavar="NAME", default=names)
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--widgets", action="store_true")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.notebooks) - set(names))
    if unknown:
        parser.error(f"no notebook {unknown[0]!r}; known: {', '.join(names)}")
    program = find_chromium()
    if program is None:
        print("Chromium is not here. Run: sh tools/setup.sh tests", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        window = browser.new_context(viewport=WINDOW)
        lab = JupyterLab(Path(folder))
        try:
            lab.start()
            for name in options.notebooks:
                notebook = OpenNotebook(window.new_page(), lab.address(name), name)
                count = photograph(
                    notebook.open(), options.target, widgets=options.widgets
                )
                print(f"{name}: {count} pictures")
                notebook.page.close()
                lab.shut_down_kernels()
        finally:
            lab.stop()
    print(f"They are in {options.target}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
