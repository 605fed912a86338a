"""Change files of Kubernetes and of Go for js/wasm; build nothing.

edits.toml has the edits. Most files lack something there: terminals, signals, file
locks, options of sockets. The others cost a browser seconds or megabytes. Each is
changed by replacing a text. Another version may have another text: then the build
ends, and names each edit that no longer applies. No file of theirs is kept here.
"""

import re
import tomllib
from pathlib import Path

from cluster import errors, versions
from cluster.versions import parse

_KUBERNETES = "k8s.io/kubernetes"

TABLE = Path(__file__).with_suffix(".toml")
_EDITS = tomllib.loads(TABLE.read_text("utf-8"))
#: version of Kubernetes -> edits that it makes needless
_BEFORE = _EDITS.pop("before")
#: In a function of 1,500 calls V8 would optimize 650 KB for seconds: it gets a list of
#: them. An edit of the table has a loop around it, and does not compile without it.
SCHEMAS = f"{_KUBERNETES}/pkg/generated/openapi/zz_generated.openapi.go"
_CALL = re.compile(r"^\t\t(\S+\.OpenAPIModelName\(\)): +(schema_\w+)\(ref\),$", re.M)
#: file that js lacks: the one beside it, for another system, that will do
SAME = {
    "github.com/coreos/go-systemd/v22/journal/journal_js.go": "journal_windows.go",
    f"{_KUBERNETES}/pkg/securitycontext/util_js.go": "util_darwin.go",
}
#: file that js lacks, and that is ours
OURS = "golang.org/x/sys/unix/unix_js.go"


def edits_for(kubernetes: str) -> dict[str, dict[str, str]]:
    """Return path below vendor/ or Go's library -> {text: replacement}.

    Each text occurs exactly once.
    """
    version = parse(kubernetes)
    older = (edits for since, edits in _BEFORE.items() if version < parse(since))
    return {
        name: dict(texts) for edits in (_EDITS, *older) for name, texts in edits.items()
    }


def is_library(name: str) -> bool:
    """Return whether a file is of Go's own library: its packages name no host."""
    return "." not in name.partition("/")[0]


def overlay(
    sources: Path, library: Path, target: Path, kubernetes: str = versions.KUBERNETES
) -> dict[str, str]:
    """Write the changed files into `target`; return what takes the place of what.

    `sources` has go.mod and vendor/, `library` is src/ of Go. Raise LabError with all
    edits that no longer apply.
    """
    vendor = sources / "vendor"
    replaced = {vendor / OURS: sources / "unix" / "unix_js.go"}
    faults = []
    for name, other in SAME.items():
        replaced[vendor / name] = (vendor / name).with_name(other)
        if not replaced[vendor / name].exists():
            faults.append(f"{Path(name).with_name(other)}: there is no such file")
    for number, (name, texts) in enumerate(edits_for(kubernetes).items()):
        root = library if is_library(name) else vendor
        file, changed = root / name, target / f"{number}.go"
        if not file.exists():
            faults.append(f"{name}: there is no such file")
            continue
        source = file.read_text("utf-8")
        if name == SCHEMAS:
            source = _CALL.sub(r"\t\t{\1, \2},", source)
        source, unapplied = apply_edits(source, texts)
        faults += [f"{name}: {fault}" for fault in unapplied]
        changed.write_text(source, "utf-8")
        replaced[file] = changed
    if faults:
        raise errors.LabError(
            f"Kubernetes {kubernetes} cannot be made ready for js/wasm, as these edits "
            "do not apply:\n" + "\n".join(f"  {fault}" for fault in faults),
            "This Kubernetes is not the one of the edits: correct tab/edits.toml.",
        )
    return {str(file): str(other) for file, other in replaced.items()}


def apply_edits(source: str, texts: dict[str, str]) -> tuple[str, list[str]]:
    """Return a source with each text replaced, and why each other one was not."""
    faults = []
    for old, new in texts.items():
        if (count := source.count(old)) == 1:
            source = source.replace(old, new)
        else:
            faults.append(f"it has {old.strip()!r} {count} times, not once")
    return source, faults
