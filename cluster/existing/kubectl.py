"""Ask an existing cluster by the genuine kubectl, and say why it gave no answer."""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, programs
from cluster.language import mark, say
from cluster.progress import Silent

#: the namespace that every cluster has, and whose UID no two have
HOME = "kube-system"
#: seconds for one answer
TIMEOUT = 20


@dataclass(frozen=True)
class KubectlClient:
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
            late = say("no answer in {seconds} s", seconds=3 * TIMEOUT)
            raise failure(late, self.server) from None

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
        namespace = self.json("get", "namespace", HOME, "--ignore-not-found")
        return namespace.get("metadata", {}).get("uid", "")


_FACT = re.compile(r"error: |Error from server|Unable to connect|The connection")
#: words before the message in such a line
_BEFORE = re.compile(r"(error: |Unable to connect to the server: )+")
#: and after it: a question, or a full stop, as our own sentence goes on
_AFTER = re.compile(r"( - did you specify .*\?|\.)$")
#: a pattern of that message; the error that says what happened at the server; a hint
_FAILURES = (
    (
        r"Unauthorized|must be logged in|provide credentials",
        mark("{server} answered, and did not take the credential: {reason}."),
        mark(
            "Renew it, as it may have expired, and name the cluster again: "
            "`.venv/bin/kapi use`."
        ),
    ),
    (
        r"getting credentials: ",
        mark("{server} was not asked, as there was no credential: {reason}."),
        mark("Run the credential plugin of your kubeconfig by hand: it says why."),
    ),
    (
        r"x509: |tls: |certificate|HTTP response to HTTPS client",
        mark("{server} answers, and no TLS connection came about: {reason}."),
        mark(
            "Look at the address and the authority in your kubeconfig, then "
            "`.venv/bin/kapi use`."
        ),
    ),
)


def failure(stderr: str, server: str) -> errors.LabError:
    """Return the error for kubectl's stderr: whether anything answered, and a hint."""
    lines = stderr.strip().splitlines() or [say("kubectl says nothing")]
    # Advice may follow, as where a credential plugin is not installed.
    last = next((line for line in reversed(lines) if _FACT.match(line)), lines[-1])
    if "orbidden" in last:
        return errors.LabError(
            say("This user lacks a right that the lessons need: {words}", words=last),
            say(
                "`.venv/bin/kapi rbac` prints them all, for an administrator to apply."
            ),
        )
    reason = _AFTER.sub("", _BEFORE.sub("", last))
    for pattern, text, hint in _FAILURES:
        if re.search(pattern, last):
            message = say(text, server=server, reason=reason)
            return errors.LabError(message, say(hint))
    hint = say("See that it runs and can be reached from here, then try again.")
    return errors.Unreachable(server, reason, hint)
