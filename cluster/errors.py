"""Define the errors that somebody catches or whose fields are read."""

import re
import sys
from pathlib import Path

from cluster.language import mark, say
from cluster.secrets import without_tokens as without_tokens

PROGRAM = "kubernetes-api-notebooks"
#: the same program, to type
SHORT = "kapi"
#: From a wheel. Only by the path: where the machine runs, the checkout is not seen.
INSTALLED = Path(__file__).parents[1].name in ("site-packages", "dist-packages")
#: the command in every text, as it is pasted in a checkout
_WRITTEN = f".venv/bin/{SHORT}"
#: other words for a checkout -> what an installed program says
_INSTEAD = {
    r"\bmake (?=lab|setup)": f"{PROGRAM} ",
    r"docs/binder\.md": mark("the README"),
}


def with_commands(text: str) -> str:
    """Return a text for people with the commands as they are called here."""
    for words, instead in _INSTEAD.items() if INSTALLED else ():
        text = re.sub(words, say(instead), text)
    return text.replace(_WRITTEN, command_name())


def command_name() -> str:
    """Return how the program is called here, only by the place of this file.

    The long name of a wheel works behind `uvx` and `pipx run`, too. An environment
    that is not the checkout's own, as that of the container image, is in PATH.
    """
    if INSTALLED:
        return PROGRAM
    environment = Path(__file__).parents[1] / ".venv"
    return _WRITTEN if Path(sys.prefix).resolve() == environment.resolve() else SHORT


class LabError(Exception):
    """Base of all errors that a learner can fix: `message` and `hint` say how."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = without_tokens(message)
        self.hint = without_tokens(hint)
        text = f"{self.message}\n{self.hint}" if hint else self.message
        super().__init__(with_commands(text))

    def _render_traceback_(self) -> list[str]:
        """Show only the text in a notebook; IPython asks before it prints."""
        return [f"{type(self).__name__}: {self}"]


class MissingTool(LabError):
    """A program that this machine lacks."""

    def __init__(self, tool: str, purpose: str, hint: str) -> None:
        self.tool, self.purpose = tool, purpose
        text = mark("{tool} is not installed; it is needed to {purpose}.")
        super().__init__(say(text, tool=tool, purpose=purpose), hint)


class NotEnough(LabError):
    """Too little disk or memory for a step; `needed` and `available` in bytes."""

    def __init__(
        self, what: str, where: str, needed: int, available: int, hint: str
    ) -> None:
        self.what, self.where = what, where
        self.needed, self.available = needed, available
        text = mark(
            "Not enough {what} {where}: {needed:.1f} GB needed, {available:.1f} GB "
            "available."
        )
        sizes = {"needed": needed / 1e9, "available": available / 1e9}
        super().__init__(say(text, what=what, where=where, **sizes), hint)


class BuildFailed(LabError):
    """A binary or image could not be had; `log` holds the whole output."""

    def __init__(
        self, what: str, exit_code: int, tail: str, log: Path, hint: str = ""
    ) -> None:
        self.what, self.exit_code, self.tail, self.log = what, exit_code, tail, log
        text = mark("Building {what} failed with exit code {code}.")
        whole = say("The whole output is in {log}.", log=log)
        super().__init__(
            f"{say(text, what=what, code=exit_code)}\n{tail}".rstrip(),
            f"{hint} {whole}".lstrip(),
        )


class IncompleteAssets(LabError):
    """LAB_ASSETS cannot be used; `problems` maps names of programs to reasons."""

    def __init__(self, directory: Path, problems: dict[str, str]) -> None:
        self.directory, self.problems = directory, problems
        listed = ", ".join(f"{name} {reason}" for name, reason in problems.items())
        super().__init__(
            f"LAB_ASSETS={directory}: {listed or say('no such directory')}.",
            say("Put them there, or unset LAB_ASSETS to have all programs built."),
        )


class StateError(LabError):
    """The state directory cannot be used."""

    def __init__(self, path: Path, message: str, hint: str) -> None:
        self.path = path
        super().__init__(f"{path}: {message}", hint)


class NoNode(LabError):
    """An operation needs a node, and the cluster has none; `works` needs none."""

    def __init__(self, what: str, reason: str = "", works: str = "") -> None:
        self.what, self.reason = what, reason or say("this cluster has none")
        self.works = works or say("whatever asks the API server alone")
        text = mark(
            "{what} needs a node, and {reason}: pods stay Pending. "
            "What still works: {works}."
        )
        super().__init__(say(text, **vars(self)))


class NoEngine(LabError):
    """No container engine answers; `reason` is a clause on each that was asked."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            say("The kind cluster needs Docker or Podman: {reason}.", reason=reason),
            say(
                "Start it and try again. On Linux you can also run a cluster without "
                "one: name a new directory in LAB_STATE_DIR, and set LAB_BACKEND=local."
            ),
        )


class EngineFailed(LabError):
    """The container engine refused an operation; its own words are the message."""

    def __init__(self, what: str, exit_code: int, stderr: str) -> None:
        self.what, self.exit_code, self.stderr = what, exit_code, stderr
        last = (stderr.strip().splitlines() or [say("it says nothing")])[-1]
        hint = say("Look whether the engine runs, and try again.")
        super().__init__(say("{what} failed: {last}", what=what, last=last), hint)


class PortTaken(LabError):
    """The port on 127.0.0.1 that was asked for is in use."""

    def __init__(self, port: int, owner: str = "") -> None:
        self.port, self.owner = port, owner
        by = f" by {owner}" if owner else ""
        super().__init__(
            f"Port 127.0.0.1:{port} is taken{by}.",
            "Choose another with --port, or leave it out and get a free one.",
        )


class StartFailed(LabError):
    """The cluster did not come up."""


class KindFailed(StartFailed):
    """kind, or a program beside it, ended with an error; `log` holds its output."""

    def __init__(self, what: str, exit_code: int, tail: str, log: Path) -> None:
        self.what, self.exit_code, self.tail, self.log = what, exit_code, tail, log
        text = say("{what} failed with exit code {code}.", what=what, code=exit_code)
        hint = say("The whole output is in {log}.", log=log)
        super().__init__(f"{text}\n{tail}".rstrip(), hint)


class ComponentFailed(StartFailed):
    """A component could not start: its exit, last lines, and where the log is."""

    #: words of etcd, containerd and the kubelet about a damaged file
    DAMAGED = re.compile(
        r"invalid database|version mismatch|checksum|crc mismatch|corrupt"
        r"|freepages|unexpected EOF|file size too small"
    )

    def __init__(self, component: str, ended: str, tail: str, log: Path) -> None:
        self.component, self.ended, self.tail, self.log = component, ended, tail, log
        hint = say("The whole log is in {log}.", log=log)
        if self.DAMAGED.search(tail):
            damaged = say(
                "Its data are damaged: `.venv/bin/kapi delete` removes them, and `up` "
                "starts from nothing."
            )
            hint += f" {damaged}"
        text = mark("{component} could not start: {ended}.")
        super().__init__(f"{say(text, **vars(self))}\n{tail}".rstrip(), hint)


class NotRunning(LabError):
    """An operation needs a running cluster and there is none."""

    def __init__(self, detail: str = "") -> None:
        hint = say("Start it with `.venv/bin/kapi up`, or run `connect()`.")
        super().__init__(detail or say("No cluster is running."), hint)


class NoLog(NotRunning):
    """A component has written no log: of this start, or of the one before."""

    def __init__(self, component: str) -> None:
        text = mark("There is no such log of {component} yet.")
        super().__init__(say(text, component=component))


class KubeconfigError(LabError):
    """A kubeconfig that cannot be read or used."""

    def __init__(self, path: Path, message: str, hint: str) -> None:
        self.path = path
        super().__init__(f"kubeconfig {path}: {message}", hint)


class NoSigningKey(LabError):
    """The key that signs ServiceAccount tokens is not on this machine."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        text = mark("A {backend} cluster keeps the key that signs tokens to itself.")
        hint = mark(
            "Only the local cluster's key is on this machine; leave this cell out."
        )
        super().__init__(say(text, backend=backend), say(hint))


class NotReady(LabError):
    """A condition was not met in time; `waited` in seconds."""

    def __init__(self, what: str, waited: float, last: str, hint: str = "") -> None:
        self.what, self.waited, self.last = what, waited, last
        text = mark("{what} did not happen in {waited:.0f} s; last seen: {last}")
        super().__init__(say(text, **vars(self)), hint)


class Unreachable(LabError):
    """Nothing answers at an address; `reason` is the system's own word."""

    def __init__(self, server: str, reason: str, hint: str = "") -> None:
        self.server, self.reason = server, reason
        text = mark("{server} does not answer: {reason}.")
        status = say("Look at `.venv/bin/kapi status`, then run `connect()` again.")
        super().__init__(say(text, server=server, reason=reason), hint or status)
