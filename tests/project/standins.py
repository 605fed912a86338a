"""Be `gh`, `docker`, `sudo` or `make` of a rehearsal, as the workflows call them.

What they are given is kept below REHEARSAL: `releases/TAG` has the files of a release,
its notes, and `draft` while it is one; `images` the names in the registry, one a line;
`passed` the commits on which the tests have passed; `calls` every command line.
"""

import os
import shutil
import sys
from pathlib import Path

STATE = Path(os.environ["REHEARSAL"])
ROOT = Path(__file__).resolve().parents[2]


def refuse(reason: str) -> None:
    """End as a program does that refuses."""
    sys.exit(f"{Path(sys.argv[1]).name}: {reason}")


def options(words: list[str], with_value: set[str]) -> tuple[list[str], dict[str, str]]:
    """Return arguments and options; those of `with_value` may have it behind them."""
    arguments, values = [], {}
    words = [*words]
    while words:
        word = words.pop(0)
        name, _, value = word.partition("=")
        if not word.startswith("-"):
            arguments.append(word)
        elif name in with_value and not value:
            values[name] = words.pop(0)
        else:
            values[name] = value
    return arguments, values


def lines(name: str) -> list[str]:
    """Return the lines of a file of the state."""
    file = STATE / name
    return file.read_text().splitlines() if file.exists() else []


def add(name: str, line: str) -> None:
    """Add a line to a file of the state."""
    with (STATE / name).open("a") as file:
        file.write(f"{line}\n")


def gh(words: list[str]) -> None:
    """Keep releases, and say on which commits the tests have passed."""
    if not os.environ.get("GH_TOKEN"):
        refuse("set the GH_TOKEN environment variable")
    with_value = {"--title", "--notes-file", "--dir", "--pattern", "--commit"}
    with_value |= {"--status", "--workflow", "--json", "--jq", "--repo"}
    (subject, verb, *rest), values = options(words, with_value)
    if (subject, verb) == ("auth", "setup-git"):
        return
    if (subject, verb) == ("run", "list"):
        if values["--commit"] in lines("passed"):
            print("https://github.com/a/run")
        return
    if subject != "release":
        refuse(f"{subject} is not rehearsed")
    release = STATE / "releases" / rest[0]
    if verb == "create":
        release.mkdir(parents=True)
        shutil.copy(values["--notes-file"], release / ".notes")
        if "--draft" in values:
            (release / ".draft").touch()
    elif not release.is_dir():
        refuse("release not found")
    elif verb == "upload":
        for file in map(Path, rest[1:]):
            if (release / file.name).exists() and "--clobber" not in values:
                refuse(f"asset under the same name already exists: {file.name}")
            shutil.copy(file, release)
    elif verb == "download":
        directory = Path(values["--dir"])
        directory.mkdir(exist_ok=True)
        pattern = values.get("--pattern", "*").strip('"')
        assets = [path for path in release.glob(pattern) if path.name[0] != "."]
        if not assets:
            refuse("no assets match the file pattern")
        for asset in assets:
            if (directory / asset.name).exists():
                refuse(f"{asset.name} already exists")
            shutil.copy(asset, directory)
    elif verb == "edit" and values.get("--draft") == "false":
        (release / ".draft").unlink()
    elif verb != "view":
        refuse(f"release {verb} is not rehearsed")


def docker(words: list[str]) -> None:
    """Keep the names of images; build and run nothing."""
    subject, *rest = words
    with_value = {"--file", "--target", "--tag", "--username", "--cpus", "--memory"}
    with_value |= {"--memory-swap", "--security-opt", "--format"}
    arguments, values = options(rest, with_value)
    registry = "ghcr.io/"
    if subject == "build":
        file = Path(values["--file"]).read_text()
        target = values.get("--target", "image")
        if f" AS {target}\n" not in file:
            refuse(f"target stage {target} could not be found")
        add("local", values["--tag"])
    elif subject == "run":
        if arguments[0] not in lines("local"):
            refuse(f"no such image: {arguments[0]}")
        if arguments[1:] == ["kapi", "apparmor"]:
            print("profile kubernetes-api-notebooks {}")
    elif subject == "tag":
        if arguments[0] not in lines("local"):
            refuse(f"no such image: {arguments[0]}")
        add("local", arguments[1])
    elif subject == "login":
        if not sys.stdin.read().strip():
            refuse("password is empty")
        (STATE / "login").touch()
    elif subject == "logout":
        (STATE / "login").unlink()
    elif subject == "push":
        name = arguments[0]
        if name not in lines("local") or not name.startswith(registry):
            refuse(f"{name}: no such image")
        if name != name.lower() or not (STATE / "login").exists():
            refuse(f"{name}: denied")
        add("images", name)
    elif words[:3] == ["buildx", "imagetools", "create"]:
        new, parts = values["--tag"], arguments[2:]
        if missing := {*parts} - {*lines("images")} or not (STATE / "login").exists():
            refuse(f"{missing}: not found")
        add("images", new)
    elif words[:3] == ["buildx", "imagetools", "inspect"]:
        if arguments[2] not in lines("images"):
            refuse(f"{arguments[2]}: not found")
        digest = f"sha256:{'0' * 64}"
        print(values["--format"].replace("{{.Manifest.Digest}}", digest))
    else:
        refuse(f"{subject} is not rehearsed")


def sudo(words: list[str]) -> None:
    """Change nothing of this machine."""
    if words[0] == "tee" and not sys.stdin.read().strip():
        refuse(f"nothing for {words[1]}")
    if words[0] not in ("tee", "apparmor_parser", "apt-get"):
        refuse(f"{words[0]} is not rehearsed")


def make(words: list[str]) -> None:
    """Give at once what takes minutes: an environment, an archive, a site."""
    word = words[0]
    if word == "venv":
        Path(".venv").symlink_to(sys.prefix)
    elif word == "bundle":
        sys.path.insert(0, str(ROOT))
        from cluster.tests.bundle import archives

        Path("dist").mkdir()
        for name, content in archives.small().files().items():
            own = name.replace("amd64", os.environ["REHEARSAL_ARCHITECTURE"])
            Path("dist", own).write_bytes(content)
        Path("dist/SHA256SUMS").touch()
    elif word == "site":
        Path("build/site").mkdir(parents=True)
        Path("build/site/index.html").write_text("<p>lessons</p>")
    elif word != "setup":
        refuse(f"{word} is not rehearsed")


if __name__ == "__main__":
    STATE.mkdir(exist_ok=True)
    _, program, *words = sys.argv
    add("calls", " ".join([program, *words]))
    {"gh": gh, "docker": docker, "sudo": sudo, "make": make}[program](words)
