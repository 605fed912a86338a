"""Which pages of the site axe looks at: one of each kind, or all of them.

What axe finds depends on a page's template, its styles and its widgets far more than on
its words. `looked.txt` has the digest of those when all pages were last looked at
without a finding, as `make machines` does: then `python -m tests.browser.looked` writes
it.
"""

import hashlib
from pathlib import Path

from tests.notebooks import ROOT

FILE = Path(__file__).with_name("looked.txt")
#: patterns of the files that decide how pages look
SOURCES = (
    "helpers/data/live.js",
    "helpers/data/view.css",
    "helpers/views/widgets/*.py",
    "website/**/*.css",
    "website/**/*.html",
    "website/**/*.js",
    "website/*.py",
)
#: one page of each kind, in each language that it has
KINDS = (
    "index.html",
    "search.html",
    "try.html",
    "docs/binder.html",
    "docs/teaching.html",
    "notebooks/book.html",
    "notebooks/errors.html",
    "notebooks/glossary.html",
    "notebooks/cheatsheet.html",
    # A lesson with tables, one with a view, one with long output.
    "notebooks/02-cluster-info.html",
    "notebooks/06-be-allowed.html",
    "notebooks/deeper/12-certificates.html",
)


def digest() -> str:
    """Return the digest of what decides how pages look."""
    found = hashlib.sha256()
    for path in sorted({path for one in SOURCES for path in ROOT.glob(one)}):
        found.update(f"{path.relative_to(ROOT)}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def has_changed() -> bool:
    """Return whether some of it differs from what all pages were looked at with."""
    return FILE.read_text().strip() != digest()


if __name__ == "__main__":
    FILE.write_text(f"{digest()}\n")
