"""Stand in front of kubectl: check each write, and then become the genuine one.

`connect()` and `up` put a directory first in PATH whose `kubectl` calls `main`. A read
passes at once. For a write the cluster is asked for its UID and for the labels of the
namespace, by the way and at the moment at which the write would go.
"""

import json
import os
import shlex
import site
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cluster import errors
from cluster.existing import (
    commandline,
    failures,
    grammar,
    look,
    requestpath,
    rules,
    surroundings,
)
from cluster.existing.record import TOOLBOX, Record

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from cluster.existing.guard import main; sys.exit(main(sys.argv[2], sys.argv[3:]))"
)
#: what a file would have to be called by chance, and means more to kubectl
_NO_FILE = ("http://", "https://")


def write(directory: Path, state: Path, kubectl: str) -> None:
    """Write the program `kubectl` into a directory; raise OSError."""
    from cluster.statedir import write_private

    directory.mkdir(mode=0o700, exist_ok=True)
    packages = str(Path(__file__).parents[2])
    # -I: the learner's Python settings are not for this. -S: it takes as long again.
    words = [sys.executable, "-IS", "-c", _PROGRAM, packages, str(state)]
    genuine, ours = shlex.quote(kubectl), shlex.quote(str(directory))
    settings = " ".join(
        f"{name}={value}" for name, value in surroundings.NO_PREFERENCES.items()
    )
    # What begins with a command that only reads needs no Python at all. PATH: see
    # `cluster.existing.surroundings`; here it takes no other process.
    script = f"""#!/bin/sh
{surroundings.MARK}
[ -x {genuine} ] || {{
  echo error: {genuine} 'is gone; `python -m helpers up` gets it again' >&2
  exit 1
}}
path=
left=$PATH:
while [ -n "$left" ]; do
  part=${{left%%:*}}
  left=${{left#*:}}
  [ "$part" = {ours} ] || path=$path$part:
done
PATH=$path{shlex.quote(str(Path(kubectl).parent))}
export PATH {settings}
case "$1" in
  {"|".join(sorted(grammar.READS))}) exec {genuine} "$@" ;;
esac
exec {shlex.join(words)} "$@"
"""
    write_private(directory / "kubectl", script, mode=0o700)


def main(state: str, words: Sequence[str]) -> int:
    """Check a command line and become kubectl; return 1 with a line if refused."""
    record = Record.read(Path(state))
    if record is None:
        return _say("no cluster has been named: `python -m helpers use` does that")
    words = list(words)
    try:
        attempt = commandline.read(words)
        if attempt.writes:
            words = _checked(record, attempt, words)
    except (rules.Refused, commandline.NotUnderstood) as refused:
        return _say(f"this write was refused: {refused}")
    except errors.LabError as error:
        fact = error.fact.removesuffix(".")
        return _say(f"this write was refused: {fact}\n{error.way_out}".strip())
    except KeyboardInterrupt:
        return 130
    try:
        environment = surroundings.of(record.kubectl, os.environ)
        os.execve(record.kubectl, [record.kubectl, *words], environment)
    except OSError as error:
        return _say(str(failures.gone(record.kubectl, error)))


def _checked(
    record: Record, attempt: commandline.Attempt, words: list[str]
) -> list[str]:
    """Return the words to go on with; raise Refused or a LabError."""
    texts = [_text(file, record) for file in attempt.files]
    documents = [each for text in texts for each in _documents(text)]
    here = _here(record, attempt) if "" in attempt.namespaces else ""
    try:
        names = rules.touched(attempt, documents, here, record)
    except rules.UnknownKind:
        # It may have come since `up`.
        found = look.namespaced(record.kubectl, attempt.target)
        known = replace(record, namespaced=found)
        names = rules.touched(attempt, documents, here, known)
    rules.require_names(names)
    path = requestpath.read(attempt.raw) if attempt.raw else None
    seen = look.see(record.kubectl, attempt.target, names)
    made = names if path and path.itself else ()
    rules.judge(record, seen.uid, names, seen.labels, made=made)
    if record.image != TOOLBOX:
        words = _with_image(words, record.image)
    # With it kubectl itself refuses a manifest that names another namespace.
    named = not here or attempt.raw or attempt.command == "proxy"
    return words if named else [f"--namespace={here}", *words]


def _text(file: str, record: Record) -> str:
    """Return a manifest; what came by stdin is put back for kubectl."""
    if file != "-":
        # kubectl takes a pattern for all files that fit it.
        if file.startswith(_NO_FILE) or set(file) & set("*?["):
            raise rules.Refused(f"{file} is no file, and its manifests cannot be seen")
        try:
            if Path(file).is_file():
                return Path(file).read_text(errors="replace")
        except OSError as error:
            raise rules.Refused(f"{file} cannot be read: {error.strerror}") from None
        raise rules.Refused(f"{file} is no file, and its manifests cannot be seen")
    if sys.stdin is None:
        raise rules.Refused("a manifest should come by stdin, which is closed")
    text = sys.stdin.buffer.read().decode(errors="surrogateescape")
    again = tempfile.TemporaryFile()
    again.write(rules.with_image(text, record.image).encode(errors="surrogateescape"))
    again.seek(0)
    os.dup2(again.fileno(), 0)
    return text


def _documents(text: str) -> list[dict]:
    try:
        found = [json.loads(text)]
    except ValueError:
        site.main()  # it was left out at the start, and knows where packages are
        import yaml

        try:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            found = list(yaml.load_all(text, loader))
        except (yaml.YAMLError, ValueError) as error:
            # kubectl would apply what stands before the fault.
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise rules.Refused(f"its manifest is not YAML{where}") from None
    return [each for each in found if isinstance(each, dict)]


def _here(record: Record, attempt: commandline.Attempt) -> str:
    """Return the namespace that kubectl takes when none is named."""
    if not attempt.target:
        try:
            document = json.loads(Path(os.environ["KUBECONFIG"]).read_text())
            name = document["current-context"]
            contexts = {each["name"]: each["context"] for each in document["contexts"]}
            return contexts[name].get("namespace") or "default"
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not one that `connect()` wrote
    words = ("config", "view", "--minify", "-o", "jsonpath={..namespace}")
    return look.run(record.kubectl, *attempt.target, *words) or "default"


def _with_image(words: list[str], image: str) -> list[str]:
    end = words.index("--") if "--" in words else len(words)
    return [rules.with_image(word, image) for word in words[:end]] + words[end:]


def _say(reason: str) -> int:
    """Print why, and return the exit code."""
    print(f"error: {reason}", file=sys.stderr)
    return 1
