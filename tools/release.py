"""Say what belongs to a tag, for the workflow that publishes it.

    python -m tools.release notes v1.0     # the section of CHANGELOG.md, or why not
    python -m tools.release tags v1.0      # what the container image is called
    python -m tools.release sums DIRECTORY # the lines of SHA256SUMS

The standard library is enough: no job has to install anything for it.
"""

import argparse
import hashlib
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools import home

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"
UNRELEASED = "Unreleased"
#: others, such as 1.1rc1, are for those who ask for them by name
_FINAL = re.compile(r"\d+(\.\d+)+")


def version(tag: str, project: str) -> str:
    """Return the version of a tag; `project` is pyproject.toml; raise ValueError."""
    current = tomllib.loads(project)["project"]["version"]
    if tag != f"v{current}":
        raise ValueError(f"the tag {tag} is not that of version {current}, v{current}")
    return current


def notes(changelog: str, version: str) -> str:
    """Return a version's section without its heading; raise ValueError without one.

    Unreleased changes would be published without a word on them.
    """
    sections: dict[str, str] = {}
    for section in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        sections[heading.split()[0]] = text.strip()
    if sections.get(UNRELEASED):
        raise ValueError(
            f"CHANGELOG.md has text under “## {UNRELEASED}”, which this version would "
            f"publish. Give it the heading “## {version}”, or a newer version, also in "
            "pyproject.toml and CITATION.cff"
        )
    if not sections.get(version):
        raise ValueError(f"CHANGELOG.md says nothing under “## {version}”")
    return sections[version]


def demand_home(written: str, here: str) -> None:
    """Raise ValueError unless texts and wheel have the address of this repository.

    A wheel fetches the archive from where it says that it is from.
    """
    if written.lower() != here.lower():
        raise ValueError(
            f"addresses are those of {written or 'no repository'}, and this is {here}. "
            f"Run: make home REPOSITORY={here}"
        )


def tags(version: str) -> list[str]:
    """Return the tags of the image: `1.0.2`, `1.0`, `1`, `latest`.

    A version that is not final has only its own.
    """
    if not _FINAL.fullmatch(version):
        return [version]
    parts = version.split(".")
    shorter = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [*shorter, "latest"]


def sha256(file: Path) -> str:
    """Return the digest of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sum_line(file: Path) -> str:
    """Return a file's line of SHA256SUMS, which `sha256sum --check` reads."""
    return f"{sha256(file)}  {file.name}"


def sums(directory: Path) -> Iterator[str]:
    """Yield the line of each file in a directory."""
    for file in sorted(directory.iterdir()):
        if file.is_file() and file.name != SUMS:
            yield sum_line(file)


def main(arguments: list[str] | None = None) -> int:
    """Print what the first word says; return 1 for a tag that cannot be published."""
    parser = argparse.ArgumentParser(prog="python -m tools.release")
    parser.add_argument("what", choices=["notes", "tags", "sums"])
    parser.add_argument("of", metavar="TAG|DIRECTORY")
    options = parser.parse_args(arguments)
    try:
        if options.what == "sums":
            print(*sums(Path(options.of)), sep="\n")
            return 0
        current = version(options.of, (ROOT / "pyproject.toml").read_text("utf-8"))
        if options.what == "notes":
            demand_home(home.repository(), os.environ["GITHUB_REPOSITORY"])
        text = notes((ROOT / "CHANGELOG.md").read_text("utf-8"), current)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(text if options.what == "notes" else "\n".join(tags(current)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
