"""Change files of Kubernetes and of Go for js/wasm; build nothing.

edits.toml has the edits. Most files lack something there: terminals, signals, file
locks, options of sockets. The others cost a browser seconds or megabytes. Each is
changed by replacing a text. Another version may have another text: then the build
ends, and says so. No file of theirs is kept here.
"""

import re
import tomllib
from pathlib import Path

from cluster import errors

_KUBERNETES = "k8s.io/kubernetes"

TABLE = Path(__file__).with_suffix(".toml")
#: path below vendor/ or Go's library -> {text: replacement}; each text occurs exactly
#: once
EDITS = {
    name: dict(texts) for name, texts in tomllib.loads(TABLE.read_text("utf-8")).items()
}
#: In a function of 1,500 calls V8 would optimize 650 KB for seconds: it gets a list of
#: them. An edit of the table has a loop around it, and does not compile without it.
SCHEMAS = f"{_KUBERNETES}/pkg/generated/openapi/zz_generated.openapi.go"
_CALL = re.compile(r"^\t\t(\S+\.OpenAPIModelName\(\)): +(schema_\w+)\(ref\),$", re.M)
#: file that js lacks: the one beside it, for another system, that will do
SAME = {
    "github.com/coreos/go-systemd/v22/journal/journal_js.go": "journal_windows.go",
    f"{_KUBERNETES}/pkg/securitycontext/util_js.go": "util_darwin.go",
}
#: what to do where an edit does not apply
_HINT = "This Kubernetes is not the one of the edits: correct tab/edits.toml."
#: file that js lacks, and that is ours
OURS = "golang.org/x/sys/unix/unix_js.go"


def is_library(name: str) -> bool:
    """Say whether a file is of Go's own library, whose packages have no host's name."""
    return "." not in name.partition("/")[0]


def overlay(sources: Path, library: Path, target: Path) -> dict[str, str]:
    """Write the changed files into `target`; return what takes the place of what.

    `sources` has go.mod and vendor/, `library` is src/ of Go. Raise LabError that names
    all edits that no longer apply.
    """
    vendor = sources / "vendor"
    replaced = {vendor / OURS: sources / "unix" / "unix_js.go"}
    for name, other in SAME.items():
        replaced[vendor / name] = (vendor / name).with_name(other)
    problems: list[str] = []
    for number, (name, texts) in enumerate(EDITS.items()):
        root = library if is_library(name) else vendor
        file, changed = root / name, target / f"{number}.go"
        source = file.read_text("utf-8") if file.exists() else ""
        if name == SCHEMAS:
            source = _CALL.sub(r"\t\t{\1, \2},", source)
        try:
            changed.write_text(apply_edits(name, source, texts), "utf-8")
        except errors.LabError as error:
            problems.append(error.message)
        replaced[file] = changed
    if problems:
        raise errors.LabError("\n".join(problems), _HINT)
    return {str(file): str(other) for file, other in replaced.items()}


def apply_edits(name: str, source: str, texts: dict[str, str]) -> str:
    """Return a file's source with each text replaced; raise LabError."""
    problems: list[str] = []
    for old, new in texts.items():
        if (count := source.count(old)) != 1:
            problems.append(
                f"{name} cannot be made ready for js/wasm: it has {old.strip()!r} "
                f"{count} times, not once."
            )
        source = source.replace(old, new)
    if problems:
        raise errors.LabError("\n".join(problems), _HINT)
    return source
