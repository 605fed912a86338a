"""Change those files of Kubernetes that js/wasm lacks something for; build nothing.

They are leaves: terminals, signals, file locks, options of sockets. Each is changed
where it was vendored, by replacing the text that stands in the way. Another version may
have another text: then the build ends, and says so. No file of theirs is kept here.
"""

from pathlib import Path

from cluster import errors

_OTHERS = "//go:build !windows"
_NOT_HERE = "//go:build !windows && !js"
_EXCLUSIVE = "syscall.LOCK_EX"
_KUBECTL = "k8s.io/kubectl/pkg"

#: file below vendor/: texts in it, each there once, and what is in their place
EDITS = {
    "github.com/coreos/go-systemd/v22/journal/journal_unix.go": {_OTHERS: _NOT_HERE},
    "go.etcd.io/etcd/client/pkg/v3/fileutil/lock_flock.go": {
        f"syscall.Flock(int(f.Fd()), {_EXCLUSIVE}|syscall.LOCK_NB)": "error(nil)",
        f"syscall.Flock(int(f.Fd()), {_EXCLUSIVE})": "error(nil)",
    },
    "k8s.io/apiserver/pkg/server/options/serving_unix.go": {_OTHERS: _NOT_HERE},
    "k8s.io/kubernetes/pkg/probe/dialer_others.go": {
        "syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, "
        "&syscall.Linger{Onoff: 1, Linger: 1})": "_ = fd"
    },
    "k8s.io/mount-utils/mount_helper_unix.go": {
        "err = syscall.Access(path, syscall.F_OK)": ""
    },
    # A process that hosts the server must not end with a command.
    f"{_KUBECTL}/cmd/auth/cani.go": {
        '\t"os"\n': "",
        "os.Exit(1)": "cmdutil.CheckErr(cmdutil.ErrExit)",
    },
    f"{_KUBECTL}/cmd/plugin.go": {
        "syscall.Exec(executablePath, append([]string{executablePath}, cmdArgs...), "
        "environment)": "syscall.ENOSYS"
    },
    f"{_KUBECTL}/util/interrupt/interrupt.go": {"syscall.SIGHUP, ": ""},
}
#: file that js lacks: the one beside it, for another system, that will do
SAME = {
    "github.com/coreos/go-systemd/v22/journal/journal_js.go": "journal_windows.go",
    "k8s.io/apiserver/pkg/server/options/serving_js.go": "serving_windows.go",
    "k8s.io/kubernetes/pkg/securitycontext/util_js.go": "util_darwin.go",
}
#: file that js lacks: ours, below go/
OURS = {"golang.org/x/sys/unix/unix_js.go": "unix/unix_js.go"}


def overlay(sources: Path, target: Path) -> dict[str, str]:
    """Write the changed files into `target`; return what takes the place of what.

    `sources` has go.mod and vendor/. Raise LabError where an edit no longer applies.
    """
    vendor = sources / "vendor"
    replaced = {}
    for number, (name, texts) in enumerate(EDITS.items()):
        changed = target / f"{number}.go"
        changed.write_text(edited(name, _read(vendor / name, name), texts))
        replaced[vendor / name] = changed
    for name, other in SAME.items():
        beside = (vendor / name).with_name(other)
        _read(beside, name)
        replaced[vendor / name] = beside
    replaced |= {vendor / name: sources / ours for name, ours in OURS.items()}
    return {str(file): str(other) for file, other in replaced.items()}


def edited(name: str, source: str, texts: dict[str, str]) -> str:
    """Return a file's source with each text replaced; raise LabError."""
    for old, new in texts.items():
        if (count := source.count(old)) != 1:
            raise _stale(name, f"has {old.strip()!r} {count} times, not once")
        source = source.replace(old, new)
    return source


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise _stale(name, f"has no {path.name}") from None


def _stale(name: str, fact: str) -> errors.LabError:
    return errors.LabError(
        f"{name} cannot be made ready for js/wasm: it {fact}.",
        "This Kubernetes is another than the edits are for: correct tab/edits.py.",
    )
