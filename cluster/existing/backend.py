"""Use an existing cluster: the verbs of a backend, where nothing is started.

`.venv/bin/kapi use` names it once; `delete` removes what was made from here.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from cluster import errors, paths, statedir, versions
from cluster.backend import STATUS, Backend
from cluster.bundle import ready
from cluster.existing import account, rbac
from cluster.existing.kubectl import KubectlClient
from cluster.existing.record import Record
from cluster.image import find as image_find
from cluster.language import mark, say
from cluster.machine import storage
from cluster.programs import ensure_kubectl, find_kubectl
from cluster.programs.recipe import KUBECTL
from cluster.progress import Progress, Silent
from cluster.waiting import poll

#: a right that every lesson needs and a read-only user lacks
_PROBE = ("auth", "can-i", "create", "pods", "--quiet")
#: seconds until a binding must count; it takes about 0.1
TIMEOUT = 20.0


@dataclass(frozen=True)
class Existing(Backend):
    """The cluster that the record in the directory `state` names."""

    name = "existing"
    about = (
        "a cluster that you have named; its API server keeps the lessons in namespaces "
        "of their own"
    )
    logs = ()

    state: Path = field(default_factory=paths.state_dir)

    @property
    def context(self) -> str:
        """Return the name of the kubeconfig's context."""
        return self.record().context

    def record(self) -> Record:
        """Return the record of `use`; raise LabError without one."""
        record = Record.read(self.state)
        if record is None:
            raise errors.LabError(
                say("No cluster has been named."),
                say("`.venv/bin/kapi use` does that."),
            )
        return record

    def running(self) -> bool:
        """Return whether a cluster has been named; `status` says whether it answers."""
        return Record.read(self.state) is not None

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the download."""
        return find_kubectl()

    def setup(self, progress: Progress) -> tuple[Path, Path]:
        """Get kubectl and an archive of the image, for a registry or for the nodes."""
        ready.ensure(progress, KUBECTL)
        binaries = ensure_kubectl(progress)
        return binaries, image_find.ensure(binaries, progress)

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Renew the token when due, and prove that cluster and policy still stand."""
        if port is not None:
            raise _not_ours_error(say("A port of its API server"))
        progress = progress or Silent()
        before = self.record()
        ensure_kubectl(progress)
        record = account.renew(before, self.kubeconfig, progress)
        progress.update(say("asking {server}", server=record.server))
        client = account.lesson_client(record, self.kubeconfig)
        account.require_same(client, record)
        reason = None
        if record.has_policy:
            reason = account.policy_problem(client, record.user)
        if reason:
            text = mark(
                "The server no longer keeps {user} in namespaces of lessons: {reason}."
            )
            message = say(text, user=record.user, reason=reason)
            raise errors.LabError(message, say(account.AGAIN))
        if record != before:
            with statedir.state_errors(self.state):
                record.write(self.state)

    def stop(self) -> bool:
        """Return False: there is nothing here that these notebooks started."""
        return False

    def question(self) -> str:
        """Return the question that `delete` asks, after a query to the cluster."""
        record = Record.read(self.state)
        if record is None:
            return super().question()
        try:
            self._remover(record)
        except errors.LabError as error:
            gone = f"Remove what is here, and nothing from {record.server}?"
            return f"{error.message}\n{gone}"
        account_words = ""
        if record.account_made:
            account_words = f"the account {record.user} with its roles, "
        return (
            f"Remove the namespaces of the lessons, {account_words}from "
            f"{record.server}, and what is here?"
        )

    def delete(self) -> bool:
        """Remove the objects that were made from here, and the state; nothing else.

        If that cluster is gone, or is another one by now, the state alone: raise
        LabError then, with the command for the rest.
        """
        statedir.refuse_foreign(self.state)
        record = Record.read(self.state)
        left = self._remove_there(record) if record else ""
        storage.remove_state(self.state)
        if record and left:
            raise errors.LabError(
                f"What is here was deleted, and not all that is at {record.server}: "
                f"{left}",
                f"To do it there: `{_command(record)}`.",
            )
        return record is not None

    def _remove_there(self, record: Record) -> str:
        """Remove namespaces and account; return a message listing the rest, or ""."""
        mine = f"--selector={rbac.STATE}={record.state}"
        try:
            remover = self._remover(record)
            remover.run("delete", "namespaces", mine, "--wait=false")
            return account.remove(remover, record) if record.account_made else ""
        except errors.LabError as error:
            return error.message

    def status(self) -> dict | None:
        """Return the status, with the keys of `STATUS`; None before `use`."""
        record = Record.read(self.state)
        if record is None:
            return None
        problem = None
        try:
            account.require_same(account.lesson_client(record, self.kubeconfig), record)
        except errors.LabError as error:
            problem = error.message.removesuffix(".")
        return {
            **STATUS,
            "phase": "not answering" if problem else "ready",
            "problem": problem,
            "server": record.server,
            "kubeconfig": str(self.kubeconfig),
        }

    def log(self, component: str, lines: int, *, previous: bool = False) -> NoReturn:
        """Raise LabError: the administrator has the logs."""
        raise _not_ours_error(say("A log of a component"))

    def images(self) -> NoReturn:
        """Raise LabError: the administrator has the nodes."""
        raise _not_ours_error(say("The list of images"))

    def add_image(self, archive: Path) -> NoReturn:
        """Raise LabError: the administrator has the nodes."""
        hint = mark(
            "Push {image} to a registry and name it: `.venv/bin/kapi use --image "
            "REGISTRY/NAME:TAG`."
        )
        image = versions.TOOLBOX_IMAGE.rpartition("/")[2]
        raise _not_ours_error(say("An import of images"), say(hint, image=image))

    def audit_log(self) -> NoReturn:
        """Raise LabError: the administrator has the audit log."""
        raise _not_ours_error(say("The audit log"))

    def image_hint(self) -> str:
        """Return the way out where an image cannot be pulled."""
        return say(
            "Load `toolbox:1` into your nodes, or push it to their registry and name "
            "it: `.venv/bin/kapi use --image …`. Another image: fix its name."
        )

    def require_node(self, what: str, *, wait: bool = True) -> None:
        """Raise NoNode for a cluster that has no node; none is waited for."""
        client = account.lesson_client(self.record(), self.kubeconfig)
        if not client.json("get", "nodes", "--chunk-size=1").get("items"):
            raise errors.NoNode(what)

    def namespace_labels(self) -> dict[str, str]:
        """Return the labels of this state directory and of the account."""
        record = self.record()
        return {rbac.STATE: record.state} | rbac.namespace_labels(record.user)

    def host(self) -> str:
        """Return this host's name: another may have the same home and state."""
        return os.uname().nodename

    def admit(self, namespace: str) -> None:
        """Bind the rights of the lessons there, unless the user has them already."""
        record = self.record()
        client = account.lesson_client(record, self.kubeconfig)
        probe = (*_PROBE, f"--namespace={namespace}")

        def may() -> bool:
            return client.attempt(*probe).returncode == 0

        if may():
            return
        binding = [rbac.binding(record.user, namespace)]
        client.run("create", *account.SEND, manifest=binding)
        if not poll(may, TIMEOUT):
            what = say("A right in the namespace {name}", name=namespace)
            hint = say("`.venv/bin/kapi rbac` prints what an administrator applies.")
            raise errors.NotReady(what, TIMEOUT, say("none"), hint)

    def _remover(self, record: Record) -> KubectlClient:
        """Return the client that may remove the objects: the account itself cannot."""
        client = account.lesson_client(record, self.kubeconfig)
        if record.account_made:
            client = account.admin_client(record)
        account.require_same(client, record)
        return client


def _not_ours_error(what: str, hint: str = "") -> errors.LabError:
    text = mark("{what} is not ours to give: this is an existing cluster.")
    return errors.LabError(say(text, what=what), hint or say("Ask whoever runs it."))


def _command(record: Record) -> str:
    """Return the command that removes the objects that were made from here."""
    if not record.account_made:
        return f"kubectl delete namespaces --selector={rbac.STATE}={record.state}"
    # Roles go before the policy; the label is on the lessons' namespaces, too.
    kinds = [item["kind"].lower() for item in reversed(account.objects(record))]
    words = ",".join(item for item in dict.fromkeys(kinds) if item != "serviceaccount")
    return f"kubectl delete {words} --selector={rbac.ACCOUNT}={rbac.key(record.user)}"
