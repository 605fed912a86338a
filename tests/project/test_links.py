"""The addresses that README and docs hand out lead to what is there."""

import re
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.notebooks import ROOT

BINDER = (ROOT / "docs/binder.md").read_text()
TEACHING = (ROOT / "docs/teaching.md").read_text()


def question(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def badge() -> tuple[str, str]:
    """Return the badge's image, and the address behind it."""
    [(image, target)] = re.findall(r"\[!\[[^]]+\]\(([^)]+)\)\]\(([^)]+)\)", BINDER)
    return image, target


@pytest.fixture
def handed_out() -> dict[str, str]:
    """Return what the link for nbgitpuller asks for."""
    [link] = re.findall(r"https://YOUR\.HUB/\S*git-pull\?\S+", TEACHING)
    return question(link)


def test_the_badge_opens_a_notebook_that_exists(badge):
    image, target = badge
    assert image == "https://mybinder.org/badge_logo.svg"
    assert urlsplit(target).path == "/v2/gh/OWNER/REPOSITORY/main"
    path = PurePosixPath(question(target)["urlpath"])
    assert path.parts[:2] == ("lab", "tree")
    assert (ROOT / path.relative_to("lab/tree")).is_file()


def hub_notebook() -> PurePosixPath:
    """Return the path of the notebook that a hub opens, with the clone's directory."""
    [default] = re.findall(r'default_url = "/([^"]+)"', TEACHING)
    return PurePosixPath(default).relative_to("lab/tree")


def test_both_ways_of_a_hub_open_the_same_notebook(handed_out):
    """nbgitpuller clones into a directory with the repository's name."""
    path = hub_notebook()
    assert handed_out["urlpath"] == f"lab/tree/{path}"
    assert handed_out["branch"] == "main"
    name = PurePosixPath(urlsplit(handed_out["repo"]).path).name
    assert path.parts[0] == name
    assert (ROOT / path.relative_to(name)).is_file()
