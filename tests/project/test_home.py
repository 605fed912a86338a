"""Addresses that lead somewhere: none before `make home`, all of them after it."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml

from cluster.tests import imagebuild
from tests.notebooks import ROOT
from tools import home
from website import build as site

#: what would look like an address, and lead nowhere
PLACEHOLDER = re.compile(
    r"(?:https?://|ghcr\.io/|github\.com/|/gh/)[^\s)\"'`]*\b(?:OWNER|REPO|REPOSITORY)\b"
)
READ = (".md", ".ipynb", ".cff", ".json", ".po", ".toml", ".html", ".yml")


def test_nothing_that_people_read_has_a_placeholder_as_an_address():
    names = [name for name in imagebuild.files() if name.endswith(READ)]
    assert len(names) > 100
    found = {
        name: PLACEHOLDER.findall((ROOT / name).read_text("utf-8")) for name in names
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


def make_home(folder, repository=""):
    """Run `make home` there; return its process, and what all files hold then."""
    words = ("--assume-old=venv", f"PY={sys.executable}", f"REPOSITORY={repository}")
    done = subprocess.run(
        ["make", "--no-print-directory", *words, "home"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done, contents(folder)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def checkout(tmp_path):
    """Return a copy of this checkout, as git would have it."""
    imagebuild.copy_checkout(tmp_path)
    return tmp_path


@pytest.mark.full("who publishes gives an address, once")
@pytest.mark.heavy
def test_all_texts_get_the_address_once_and_can_move(checkout):
    done, first = make_home(checkout, "Some-One/My.Lessons")
    assert done.returncode == 0, done.stderr
    changed = {text.file for text in home.texts()}
    assert {*done.stdout.split()} == changed
    own = "https://some-one.github.io/My.Lessons/"
    for name in ("README.md", "README.ko.md"):
        text = first[name].decode()
        assert f"<{own}>" in text and " ghcr.io/some-one/my.lessons\n" in text
        assert "docker build" not in text
    urls = tomllib.loads(first["pyproject.toml"].decode())["project"]["urls"]
    cited = yaml.safe_load(first["CITATION.cff"])
    code = "https://github.com/Some-One/My.Lessons"
    assert (urls["Repository"], urls["Homepage"]) == (code, own)
    assert (cited["repository-code"], cited["url"]) == (code, own)
    lines = first[".devcontainer/devcontainer.json"].decode().splitlines()
    container = json.loads("\n".join(x for x in lines if x.strip()[:2] != "//"))
    assert container["image"] == "ghcr.io/some-one/my.lessons:dev"
    assert "build" not in container
    [badge] = re.findall(
        r"\]\(https://mybinder.org/v2\S+", first["docs/binder.md"].decode()
    )
    assert badge.startswith("](https://mybinder.org/v2/gh/Some-One/My.Lessons/HEAD?")

    done, second = make_home(checkout, "Some-One/My.Lessons")
    assert done.stdout == "Everything leads to Some-One/My.Lessons already.\n"
    assert second == first
    # No text of the Korean edition is left to translate.
    check = [sys.executable, "-m", "tools.korean", "check"]
    whole = subprocess.run(check, cwd=checkout, capture_output=True, text=True)
    assert whole.stdout == "The Korean edition is whole.\n"

    done, third = make_home(checkout, "another/another.github.io")
    assert {*done.stdout.split()} == changed
    left = {name for name, text in third.items() if b"some-one" in text.lower()}
    assert left == {"tests/project/test_home.py"}
    assert b"<https://another.github.io/>" in third["README.md"]


@pytest.mark.parametrize(
    "wrong",
    ["", "notes", "https://github.com/a/b", "a/b/c", "-/b", "a/b c", "OWNER/", "a/$b"],
)
def test_what_is_no_repository_is_refused_in_one_line(wrong, capsys):
    assert home.main([wrong]) == 1
    said = capsys.readouterr().err
    assert said == (
        f"error: {wrong or 'nothing'} is no name of a repository on GitHub. "
        "Run: make home REPOSITORY=owner/name\n"
    )


def test_a_text_that_has_changed_stops_all_of_it(tmp_path):
    for name in {text.file for text in home.texts()} | {"pyproject.toml"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CITATION.cff").write_text("license: MIT\n")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="CITATION.cff does not have the text “lic"):
        home.write("someone/notes", tmp_path)
    assert contents(tmp_path) == before


def test_the_first_page_of_the_site_has_links_once_there_is_an_address():
    text = (ROOT / "website/en/index.md").read_text("utf-8")
    without = site.with_addresses(text, "", "Launch")
    assert "```sh\nmake lab\n```" in without and "mybinder.org" not in without
    assert "```sh\ndocker build --file binder/Dockerfile " in without
    told = site.with_addresses(text, "some/one", "Launch")
    assert "```sh\ngit clone https://github.com/some/one notebooks\ncd " in told
    assert "**[Launch](https://mybinder.org/v2/gh/some/one/binder?urlpath=lab" in told
    assert " ghcr.io/some/one\n```" in told and "docker build" not in told
    assert "-->" not in re.sub("<!-- (CORE|DEEPER) -->", "", without + told)
