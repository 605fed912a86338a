"""Make the learner's account and the policy around it, prove the policy, take all back.

`plan` only asks, by dry runs; `apply` does it. Lessons get only the account's token.
"""

import contextlib
import copy
import json
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cluster import errors, statedir
from cluster.backend import MANAGER
from cluster.existing import kubectl, rbac
from cluster.existing.kubectl import KubectlClient
from cluster.existing.rbac import TOOLBOX
from cluster.existing.record import Record
from cluster.existing.target import Target, find
from cluster.kubeconfig import read_kubeconfig, server_of
from cluster.language import mark, say
from cluster.progress import Progress
from cluster.waiting import poll

#: seconds that a token is asked for; a cluster may give less. If somebody deletes the
#: policy, the account can give itself the lessons' role anywhere, for so long.
LIFETIME = 3600
#: a token is renewed when it has less than this left, in seconds
RENEWAL = LIFETIME / 2
#: seconds until rights and policies must count; it takes about one
TIMEOUT = 30.0
#: where nobody but the cluster's own components has any business
FORBIDDEN = ("default", kubectl.HOME)
#: without a download of the schemas, as the server checks all of it
SEND = ("--validate=false", "-f", "-")
_DRY = ("--dry-run=server", *SEND)
#: the way out where the record no longer fits
AGAIN = mark("Name the cluster again: `.venv/bin/kapi use`.")
_NO_KIND = 'no matches for kind "{}"'


@dataclass(frozen=True)
class UsePlan:
    """The record that `use` is about to make; `reason` says why there is no policy."""

    target: Target
    record: Record
    reason: str | None = None

    @property
    def objects(self) -> list[dict]:
        """Return the objects that `apply` makes, in this order."""
        return objects(self.record) if self.record.account_made else []

    def lines(self) -> list[str]:
        """Return the lines that a person reads before they agree."""
        record = self.record
        names = [f"{item['kind']}/{item['metadata']['name']}" for item in self.objects]
        lines = [
            f"server      {record.server}",
            f"cluster     {record.uid} (UID of kube-system)",
            f"context     {record.context} of {record.source}",
            f"you         {self.target.user}",
            f"version     {record.version}",
            f"kubectl     {self.target.client_version}",
            f"image       {record.image}",
            f"account     {record.user} ({_account_words(record)})",
        ]
        return lines + [f"makes       {name}" for name in names]


def _account_words(record: Record) -> str:
    """Return whose account the lessons get, in words."""
    if record.account_made:
        return "made for the lessons"
    if record.has_policy:
        return "yours, which the server keeps in namespaces of lessons already"
    return "yours"


def plan(
    kubeconfig: Path,
    context: str,
    image: str | None,
    before: Record | None,
    progress: Progress,
) -> UsePlan:
    """Return the plan of `use`; nothing is made.

    `before` is the record of the last `use`. Raise LabError if that was another
    cluster, or where `image` cannot be put in.
    """
    target = find(kubeconfig, context, progress)
    if before and before.uid != target.uid:
        raise _other_cluster_error(target.client.server, target.uid, before.uid)
    record = Record(
        uid=target.uid,
        server=target.client.server,
        context=context,
        version=target.version,
        user=target.user,
        source=str(target.client.kubeconfig),
        image=image or (before.image if before else TOOLBOX),
    )
    record = replace(record, state=before.state) if before else record
    progress.update("asking what this credential may do, by dry runs")
    if policy_problem(target.client, target.user):
        use = _with_account(target, record)
    else:
        use = UsePlan(target, record)
    if use.record.image != TOOLBOX and not use.record.account_made:
        raise errors.LabError(
            "`--image` needs a policy, which nobody can make with this credential.",
            "`.venv/bin/kapi rbac --image …` prints it, for an administrator.",
        )
    return use


def apply(use: UsePlan, state: Path, progress: Progress) -> Record:
    """Carry out a plan, prove the policy, and return the record; undo it on failure."""
    record, admin = use.record, use.target.client
    kubeconfig = state / "kubeconfig"
    if not record.account_made:
        _write(kubeconfig, use.target.document)
    else:
        try:
            progress.update("making the account and its policy")
            admin.run("apply", *SEND, manifest=use.objects)
            token, expires = _token(admin, record)
            _write(kubeconfig, with_token(use.target.document, token))
            record = replace(record, expires=expires)
            if record.has_policy:
                _await_policy(lesson_client(record, kubeconfig), record, progress)
        except BaseException:
            kubeconfig.unlink(missing_ok=True)
            remove(admin, record)
            raise
    with statedir.state_errors(state):
        record.write(state)
    return record


def objects(record: Record) -> list[dict]:
    """Return all that `use` makes for an account, the policy first."""
    return rbac.objects(
        record.user,
        policy=record.has_policy,
        image=record.image,
        account=record.state,
    )


def policy_problem(client: KubectlClient, user: str) -> str | None:
    """Return why the server does not keep a user in namespaces of lessons, or None.

    A dry run asks: of a ConfigMap, of a RoleBinding that RBAC would allow, so that the
    policy itself has to refuse it, and of a namespace of a lesson.
    """
    probes = [rbac.binding(user, namespace) for namespace in FORBIDDEN]
    for namespace in FORBIDDEN:
        metadata = {"name": rbac.name(user), "namespace": namespace}
        probes.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    lesson = {"generateName": f"{MANAGER}-", "labels": rbac.namespace_labels(user)}
    probes.append({"apiVersion": "v1", "kind": "Namespace", "metadata": lesson})
    done = client.attempt("create", "-o", "name", *_DRY, manifest=probes)
    written = done.stdout.split()
    refused = [line for line in done.stderr.splitlines() if "orbidden" in line]
    if len(written) + len(refused) < len(probes):
        raise kubectl.failure(done.stderr, client.server)
    elsewhere = [name for name in written if not name.startswith("namespace/")]
    if elsewhere:
        text = mark("it may write to {home} and {system}, as {example}")
        home, system = FORBIDDEN
        return say(text, home=home, system=system, example=elsewhere[0])
    if sum(rbac.REFUSED in line for line in refused) < len(FORBIDDEN):
        return say("no policy of these notebooks speaks of it")
    if written:
        return None
    return say("it cannot make a namespace either: {refusal}", refusal=refused[-1])


def lesson_client(record: Record, kubeconfig: Path) -> KubectlClient:
    """Return the client with the notebooks' own kubeconfig."""
    return KubectlClient(kubeconfig, record.context, record.server)


def admin_client(record: Record) -> KubectlClient:
    """Return the client with the learner's own credential; raise KubeconfigError."""
    path = Path(record.source)
    hint = say(AGAIN)
    whole = read_kubeconfig(path, context=record.context, hint=hint)
    if server_of(whole, record.context) != record.server:
        text = mark("has a context {context!r} that leads elsewhere by now.")
        message = say(text, context=record.context)
        raise errors.KubeconfigError(path, message, hint)
    return KubectlClient(path, record.context, record.server)


def renew(record: Record, kubeconfig: Path, progress: Progress) -> Record:
    """Return the record after a renewal of its token, if that was due.

    The learner's own credential asks for it, and whether the policy is there. If that
    fails, an old token that still counts will do; raise the reason otherwise. Kernels
    that run have the new one, too.
    """
    if not record.account_made or record.expires - time.time() > RENEWAL:
        return record
    try:
        progress.update(say("renewing the token"))
        admin = admin_client(record)
        require_same(admin, record)
        if record.has_policy:
            admin.run("get", "-f", "-", manifest=objects(record)[:2])
        token, expires = _token(admin, record)
    except errors.LabError as error:
        if record.expires < time.time():
            raise
        text = mark("the token was not renewed: {reason}")
        progress.finish(say(text, reason=error.message))
        return record
    _write(kubeconfig, with_token(read_kubeconfig(kubeconfig), token))
    for copied in kubeconfig.parent.glob(f"{kubeconfig.name}.*.*"):
        with contextlib.suppress(errors.KubeconfigError):  # the kernel has just ended
            _write(copied, with_token(read_kubeconfig(copied), token))
    return replace(record, expires=expires)


def remove(admin: KubectlClient, record: Record) -> str:
    """Remove the objects of `use`; return a message listing the rest, or ""."""
    words = ("delete", "--ignore-not-found", "--wait=false", "-f", "-")
    done = admin.attempt(*words, manifest=objects(record)[::-1])
    return done.stderr.strip() if done.returncode else ""


def with_token(document: dict, token: str) -> dict:
    """Return a kubeconfig of one context with a token for its user, and no more."""
    kubeconfig = copy.deepcopy(document)
    kubeconfig["contexts"][0]["context"]["user"] = rbac.LEARNER
    kubeconfig["users"] = [{"name": rbac.LEARNER, "user": {"token": token}}]
    return kubeconfig


def _with_account(target: Target, record: Record) -> UsePlan:
    """Return the plan for a credential without a policy: an account, if it can."""
    user = rbac.user_of(record.state)
    planned = replace(record, account_made=True, user=user)
    parts = [item for item in objects(planned) if item["kind"] != "ServiceAccount"]
    stderr = target.client.attempt("apply", *_DRY, manifest=parts).stderr
    if record.image != TOOLBOX and _NO_KIND.format("MutatingAdmissionPolicy") in stderr:
        raise errors.LabError(
            "`--image` needs the kind MutatingAdmissionPolicy of "
            "admissionregistration.k8s.io/v1 (since Kubernetes 1.36), which this "
            f"server, {target.version}, does not serve.",
            "Load the image into the nodes as `toolbox:1`, and leave `--image` out.",
        )
    refused = [line for line in stderr.splitlines() if "orbidden" in line]
    if refused:
        reason = f"You may not make an account for the lessons: {refused[0]}"
        return UsePlan(target, replace(record, has_policy=False), reason)
    if _NO_KIND.format("ValidatingAdmissionPolicy") in stderr:
        reason = (
            "This server does not serve the kind ValidatingAdmissionPolicy of "
            f"admissionregistration.k8s.io/v1 (since Kubernetes 1.30; it is "
            f"{target.version}): nothing would keep the account in namespaces of "
            "lessons."
        )
        return UsePlan(target, replace(planned, has_policy=False), reason)
    return UsePlan(target, planned)


def _await_policy(client: KubectlClient, record: Record, progress: Progress) -> None:
    """Wait until the server enforces the policy; raise NotReady."""
    last = [say("no answer")]

    def kept() -> bool:
        progress.update(
            say("waiting for the policy: the server must refuse our dry run")
        )
        try:
            last[0] = policy_problem(client, record.user) or ""
        except errors.LabError as error:
            # A new account, of which the server does not know yet.
            last[0] = error.message
        return not last[0]

    if not poll(kept, TIMEOUT):
        raise errors.NotReady(
            say("The policy around the account"),
            TIMEOUT,
            last[0],
            say("What was made was taken back; nothing was written to your cluster."),
        )


def require_same(client: KubectlClient, record: Record) -> None:
    """Raise LabError unless the UID is that of the cluster in the record."""
    uid = client.uid()
    if uid != record.uid:
        raise _other_cluster_error(record.server, uid, record.uid)


def _other_cluster_error(server: str, uid: str, known: str) -> errors.LabError:
    text = mark(
        "Another cluster is at {server} (UID {uid}) than the one that you agreed to "
        "(UID {known})."
    )
    return errors.LabError(
        say(text, server=server, uid=uid or "?", known=known),
        say(
            "Nothing was written. For another cluster name a new directory in "
            "LAB_STATE_DIR, or remove this state with `.venv/bin/kapi delete`."
        ),
    )


def _token(admin: KubectlClient, record: Record) -> tuple[str, float]:
    """Return a new token of the account, and when it ends."""
    namespace = f"--namespace={rbac.home(record.state)}"
    words = ("create", "token", rbac.LEARNER, namespace, f"--duration={LIFETIME}s")
    status = admin.json(*words)["status"]
    end = datetime.fromisoformat(status["expirationTimestamp"])
    return status["token"], end.timestamp()


def _write(kubeconfig: Path, document: dict) -> None:
    with statedir.state_errors(kubeconfig.parent):
        statedir.write_private(kubeconfig, json.dumps(document, indent=2))
