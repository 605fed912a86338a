"""Find the cluster that a context leads to, and the user there. Only reads."""

import copy
import json
import os
import re
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from cluster import errors, programs
from cluster.existing import rbac
from cluster.kubeconfig import entry_of, read_kubeconfig, server_of
from cluster.progress import Progress, Silent
from cluster.statedir import write_private

#: the namespace that every cluster has, and whose UID no two have
HOME = "kube-system"
#: seconds for one answer
TIMEOUT = 20
#: by this file a state directory is known as ours
RECORD = "existing.json"
_USE = "`python -m helpers use`"


@dataclass(frozen=True)
class Record:
    """The content of `existing.json`: the cluster that the learner has agreed to.

    `uid` is that of the namespace kube-system. `user` is whom the notebooks ask as.
    `source` is the learner's own kubeconfig; `use`, a renewal and `delete` alone open
    it. `made`: `use` has made the account. `fenced`: the server keeps its writes in
    namespaces of lessons. `expires` is when the token ends, in seconds since the epoch.
    `state` marks the namespaces that are made from this state directory.
    """

    uid: str
    server: str
    context: str
    version: str
    user: str
    source: str
    image: str = rbac.TOOLBOX
    made: bool = False
    fenced: bool = True
    expires: float = 0.0
    state: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def read(cls, state: Path) -> "Record | None":
        """Return the record of a state directory, or None if there is none."""
        try:
            found = json.loads((state / RECORD).read_text())
            known = {each.name for each in fields(cls)}
            return cls(**{name: found[name] for name in found if name in known})
        except (OSError, ValueError, TypeError):
            # It is written whole or not at all; what else it may be is not ours.
            return None

    def write(self, state: Path) -> None:
        """Write the record, for its owner alone; raise OSError."""
        write_private(state / RECORD, json.dumps(asdict(self), indent=2))


@dataclass(frozen=True)
class Client:
    """The genuine kubectl, for one server as the user of one context."""

    kubeconfig: Path
    context: str
    server: str

    def attempt(
        self, *words: str, manifest: Sequence[dict] = ()
    ) -> subprocess.CompletedProcess:
        """Run kubectl and return the result; `manifest` goes to its stdin as a List."""
        items = {"apiVersion": "v1", "kind": "List", "items": [*manifest]}
        line = [
            str(programs.ensure_kubectl(Silent()) / "kubectl"),
            f"--kubeconfig={self.kubeconfig}",
            f"--context={self.context}",
            f"--request-timeout={TIMEOUT}s",
            *words,
        ]
        # kubectl's own preferences could give a command other flags than its words.
        settings = {**os.environ, "KUBERC": "off", "KUBECTL_KUBERC": "false"}
        try:
            return subprocess.run(
                line,
                env=settings,
                input=json.dumps(items) if manifest else "",
                capture_output=True,
                text=True,
                timeout=3 * TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise failure(f"no answer in {3 * TIMEOUT} s", self.server) from None

    def run(self, *words: str, manifest: Sequence[dict] = ()) -> str:
        """Return the output of kubectl; raise the error of `failure`."""
        done = self.attempt(*words, manifest=manifest)
        if done.returncode:
            raise failure(done.stderr, self.server)
        return done.stdout

    def json(self, *words: str) -> dict:
        """Return the JSON that kubectl prints, {} for nothing; see `run`."""
        return json.loads(self.run(*words, "-o", "json") or "{}")

    def uid(self) -> str:
        """Return the UID of the cluster, "" if it has no namespace kube-system."""
        found = self.json("get", "namespace", HOME, "--ignore-not-found")
        return found.get("metadata", {}).get("uid", "")


@dataclass(frozen=True)
class Target:
    """A cluster as it was found: where it is, what it is, and the client for it."""

    client: Client
    document: dict
    uid: str
    user: str
    version: str
    client_version: str


def find(kubeconfig: Path, context: str, progress: Progress) -> Target:
    """Return the cluster that a context of a kubeconfig leads to; raise LabError."""
    path = kubeconfig.absolute()
    hint = "Name another file, or fix this one."
    whole = read_kubeconfig(path, context=context, hint=hint)
    document = take(whole, context, path.parent)
    server = server_of(document, context)
    programs.ensure_kubectl(progress)
    progress.update(f"asking {server}")
    client = Client(path, context, server)
    found = client.json("version")
    user = client.json("auth", "whoami")["status"]["userInfo"]["username"]
    version = found.get("serverVersion", {}).get("gitVersion", "")
    ours = found["clientVersion"]["gitVersion"]
    return Target(client, document, client.uid(), user, version, ours)


def take(document: dict, context: str, folder: Path) -> dict:
    """Return a kubeconfig of one context of `document`, without its namespace; pure.

    Relative names of files count from `folder`, and come out absolute.
    """
    chosen = copy.deepcopy(entry_of(document, "context", context) or {})
    chosen.pop("namespace", None)
    parts = {}
    for kind, names in _FILES.items():
        entry = parts[kind] = copy.deepcopy(
            entry_of(document, kind, chosen[kind]) or {}
        )
        for name in names:
            if name in entry:
                entry[name] = str(folder / entry[name])
    plugin = parts["user"].get("exec", {})
    # As kubectl does it: a bare name is looked for in PATH, a path is relative.
    if "/" in plugin.get("command", ""):
        plugin["command"] = str(folder / plugin["command"])
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "contexts": [{"name": context, "context": chosen}],
        **{f"{k}s": [{"name": chosen[k], k: parts[k]}] for k in _FILES},
    }


#: the fields that name a file, in the entries of a cluster and of a user
_FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
_FACT = re.compile(r"error: |Error from server|Unable to connect|The connection")
#: what stands before the message in that line
_BEFORE = re.compile(r"(error: |Unable to connect to the server: )+")
#: a pattern of that message; what happened at the server, and a hint
_FAILURES = (
    (
        r"Unauthorized|must be logged in|provide credentials",
        "answered, and did not take the credential",
        f"Renew it, as it may have expired, and name the cluster again: {_USE}.",
    ),
    (
        r"getting credentials: ",
        "was not asked, as there was no credential",
        "Run the credential plugin of your kubeconfig by hand: it says why.",
    ),
    (
        r"x509: |tls: |certificate|HTTP response to HTTPS client",
        "answers, and no TLS connection came about",
        f"Look at the address and the authority in your kubeconfig, then {_USE}.",
    ),
)


def failure(stderr: str, server: str) -> errors.LabError:
    """Return the error for kubectl's stderr: whether anything answered, and a hint."""
    lines = stderr.strip().splitlines() or ["kubectl says nothing"]
    # Advice may follow, as where a credential plugin is not installed.
    last = next((line for line in reversed(lines) if _FACT.match(line)), lines[-1])
    if "orbidden" in last:
        return errors.LabError(
            f"This user lacks a right that the lessons need: {last}",
            "`python -m helpers rbac` prints them all, for an administrator to apply.",
        )
    reason = _BEFORE.sub("", last).removesuffix(".")
    for pattern, what, hint in _FAILURES:
        if re.search(pattern, last):
            return errors.LabError(f"{server} {what}: {reason}.", hint)
    return errors.Unreachable(
        server, reason, "See that it runs and can be reached from here, then try again."
    )
