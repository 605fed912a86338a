"""Write the addresses of this repository into what people read.

    make home REPOSITORY=owner/name

`home.toml` has each text without an address and with one. Until this ran, no text has
an address; after it, another run changes nothing, or moves all to another repository.
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: how the container image of a checkout is built, and how an image runs
BUILT = "kubernetes-api-notebooks"
BUILD = f"docker build --file binder/Dockerfile --tag {BUILT} .\n"
RUN = "docker run --rm -p 127.0.0.1:8888:8888 -v lessons:/home/learner/work {image}\n"
#: as GitHub takes them
_NAME = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}/[\w.-]{1,100}", re.ASCII)
_HOME = re.compile(
    r'^Repository = "https://github\.com/([^"/]+/[^"/]+)"$', re.MULTILINE
)


@dataclass(frozen=True)
class Text:
    """A text of a file without an address, and with addresses in `{braces}`.

    `korean` is what the second is in the Korean edition, for a paragraph of prose.
    """

    file: str
    before: str
    after: str
    korean: str = ""

    def at(self, repository: str) -> str:
        """Return the text with the addresses of a repository; "" is none."""
        return fill(self.after, repository) if repository else self.before


def addresses(repository: str) -> dict[str, str]:
    """Return what a repository's code, images, site and copy on Binder are called."""
    owner, name = repository.split("/")
    host = f"{owner.lower()}.github.io"
    return {
        "repository": repository,
        "code": f"https://github.com/{repository}",
        # No tag: that is `latest`.
        "image": f"ghcr.io/{repository.lower()}",
        "site": f"https://{host}/" + (f"{name}/" if name.lower() != host else ""),
        "binder": f"https://mybinder.org/v2/gh/{repository}",
    }


def fill(text: str, repository: str) -> str:
    """Return a text in which each name in braces is that address of a repository."""
    for name, address in addresses(repository).items():
        text = text.replace(f"{{{name}}}", address)
    return text


def texts() -> list[Text]:
    """Return all texts that have an address once there is one."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return [Text(**entry) for entry in table["text"]]


def repository(root: Path = ROOT) -> str:
    """Return `owner/name` as `make home` has written it; "" before that."""
    match = _HOME.search((root / "pyproject.toml").read_text("utf-8"))
    return match[1] if match else ""


def replace_addresses(files: dict[str, str], old: str, new: str) -> dict[str, str]:
    """Return the files with the addresses of `new` instead of those of `old`; pure.

    Raise ValueError for a text that is not there as `home.toml` has it.
    """
    result = dict(files)
    for text in texts():
        if text.at(new) in result[text.file]:
            continue
        if text.at(old) not in result[text.file]:
            first = text.at(old).partition("\n")[0]
            raise ValueError(f"{text.file} does not have the text “{first} …”")
        result[text.file] = result[text.file].replace(text.at(old), text.at(new))
    return result


def write(repository_now: str, root: Path = ROOT) -> list[str]:
    """Write the addresses into all files; return the names of those that changed."""
    names = {text.file for text in texts()}
    files = {name: (root / name).read_text("utf-8") for name in names}
    new_files = replace_addresses(files, repository(root), repository_now)
    changed = sorted(name for name in names if new_files[name] != files[name])
    for name in changed:
        (root / name).write_text(new_files[name], "utf-8")
    return changed


def translate(old: str, new: str) -> None:
    """Give the Korean edition its translations of these texts, and write it anew."""
    from tools import korean

    for name, folder in (("readme", "README.md"), ("docs", "docs/")):
        catalog = korean.read(name)
        for text in texts():
            if text.korean and text.file.startswith(folder):
                catalog.delete(text.at(old).strip())
                catalog.add(text.at(new).strip(), fill(text.korean, new).strip())
        (korean.CATALOGS / f"{name}.po").write_bytes(korean.po(name, catalog))
    korean.main(["update"])
    korean.main(["write"])


def main(arguments: list[str] | None = None) -> int:
    """Write the addresses, or say in a line why not; return the exit code."""
    name = " ".join(sys.argv[1:] if arguments is None else arguments)
    if not _NAME.fullmatch(name):
        print(
            f"error: {name or 'nothing'} is no name of a repository on GitHub. "
            "Run: make home REPOSITORY=owner/name",
            file=sys.stderr,
        )
        return 1
    old = repository()
    try:
        changed = write(name)
    except ValueError as error:
        print(
            f"error: {error}; nothing was changed. "
            "Put it back, or change it in tools/home.toml, too.",
            file=sys.stderr,
        )
        return 1
    if changed:
        translate(old, name)
    print("\n".join(changed) or f"Everything leads to {name} already.")
    if changed:
        print(
            "Commit these files. The addresses lead somewhere when the list Once in "
            "docs/maintaining.md is done, and those of the container image and the "
            "package when a version is published.",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
