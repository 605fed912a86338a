"""The addresses that docs hand out, to a badge and to a hub, lead to what is there."""

import re
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from tests.notebooks import ROOT

TEACHING = (ROOT / "docs/teaching.md").read_text()


def question(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_badge_opens_a_notebook_that_exists():
    text = (ROOT / "docs/binder.md").read_text()
    [(image, target)] = re.findall(r"\[!\[[^]]+\]\(([^)]+)\)\]\(([^)]+)\)", text)
    assert image == "https://mybinder.org/badge_logo.svg"
    assert urlsplit(target).path == "/v2/gh/OWNER/REPOSITORY/main"
    path = PurePosixPath(question(target)["urlpath"])
    assert (ROOT / path.relative_to("lab/tree")).is_file()


def hub_notebook() -> PurePosixPath:
    """Return the path of the notebook that a hub opens, with the clone's directory."""
    [default] = re.findall(r'default_url = "/([^"]+)"', TEACHING)
    return PurePosixPath(default).relative_to("lab/tree")


def test_both_ways_of_a_hub_open_the_same_notebook():
    """nbgitpuller clones into a directory with the repository's name."""
    [link] = re.findall(r"https://YOUR\.HUB/\S*git-pull\?\S+", TEACHING)
    asked, path = question(link), hub_notebook()
    assert (asked["urlpath"], asked["branch"]) == (f"lab/tree/{path}", "main")
    name = PurePosixPath(urlsplit(asked["repo"]).path).name
    # As `export` writes them.
    notebook = ROOT / "notebooks" / path.relative_to(name)
    assert path.parts[0] == name and notebook.is_file()
