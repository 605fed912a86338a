"""Break copies of a working application, each in one way, for a learner to repair."""

import contextlib
import copy
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.waiting import poll
from helpers import errors
from helpers.api.tokens import FILES, Token, backdate, create_token
from helpers.command import kubectl, time_limit
from helpers.language import mark, say

if TYPE_CHECKING:
    from helpers.connection import Cluster

#: the application: its script, and the manifest of its Deployment
APP = ("ask.sh", "app.yaml")
#: where this kernel has them
_folder: Path | None = None
#: the label of all copies and of their pods
LABEL = "lesson=drills"
#: the Secret with the token that has ended, and where the pod finds it
SECRET, COPIED = "copied-token", "/copied"
#: a namespace that need not exist: the server tells only those who have a right in it
ELSEWHERE = "production"
#: seconds until each copy has said something
TIMEOUT = 60.0


def write_app(namespace: str) -> str:
    """Write the application's two files into a new folder; return its name.

    The folder is beside the notebook, and in `$FOLDER` of shell cells. The folder of an
    earlier call is removed.
    """
    global _folder
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)
    _folder = Path(tempfile.mkdtemp(prefix=f"{namespace}-", dir="."))
    for name in APP:
        text = (Path(__file__).parents[1] / "data" / name).read_text("utf-8")
        (_folder / name).write_text(text, "utf-8")
    os.environ["FOLDER"] = _folder.name
    return _folder.name


def break_copies(
    deployment: str, cluster: "Cluster", *, only: Iterable[str] = ()
) -> list[str]:
    """Run copies of a Deployment, each broken in one way; return their names.

    Run all copies, or `only` some, until each has logged a line; raise NotReady if a
    copy does not, KubectlFailed if the Deployment was not applied. The same as `kubectl
    apply view-last-applied`, an edit and `kubectl apply`, for each copy.
    """
    line = f"apply view-last-applied deployment/{deployment} -ojson"
    whole = kubectl(line).json()
    account = whole["spec"]["template"]["spec"]["serviceAccountName"]
    wanted = tuple(only) or NAMES
    items = [one for one in faulty_copies(whole) if one["metadata"]["name"] in wanted]
    # A copy that was worked on keeps what was added: it has to go first.
    kubectl("delete", "deployments", f"--selector={LABEL}", "--cascade=foreground")
    # By the server: otherwise kubectl copies the token into an annotation.
    line = "apply --server-side --force-conflicts -f -"
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET},
        "stringData": {"token": _invalid_token(account, cluster).text},
    }
    kubectl(line, input=secret)
    # By kubectl: what a learner deletes from the manifest is then deleted here as well.
    document = {"apiVersion": "v1", "kind": "List", "items": items}
    kubectl("apply", "-f", "-", input=document)
    wait_for_words(wanted, LABEL)
    return list(wanted)


def wait_for_words(names: Iterable[str], label: str) -> None:
    """Wait until the pod of each Deployment with a label has logged a line.

    Raise NotReady after a minute.
    """
    seconds, what = time_limit(TIMEOUT), say("a line in the log of each copy")
    if not poll(lambda: _all_log(names, label), seconds, what=what):
        hint = mark("`kubectl describe pods --selector={label}` shows why.")
        hint = say(hint, label=label)
        raise errors.NotReady(what, seconds, say("nothing"), hint)


def faulty_copies(whole: dict) -> list[dict]:
    """Return a copy of a Deployment for each way to break it; pure."""
    label, _, value = LABEL.partition("=")
    made = []
    for name, way in zip(NAMES, _WAYS, strict=True):
        labels = {"app": name, label: value}
        spec = copy.deepcopy(whole["spec"])
        spec["selector"] = {"matchLabels": {"app": name}}
        spec["template"]["metadata"] = {"labels": labels}
        way(spec["template"]["spec"])
        metadata = {"name": name, "labels": labels}
        head = {key: whole[key] for key in ("apiVersion", "kind")}
        made.append({**head, "metadata": metadata, "spec": spec})
    return made


def current_pod(deployment: str) -> dict | None:
    """Return the pod of a Deployment's current template; None while there is none.

    Raise KubectlFailed if there is no such Deployment.
    """
    found = kubectl("get", "deployment", deployment, "-o", "json").json()
    labels = found["spec"]["selector"]["matchLabels"].items()
    selector = ",".join(f"{key}={value}" for key, value in labels)
    pods = kubectl("get", "pods", f"--selector={selector}", "-o", "json").json()
    return pod_of(found, pods["items"])


def pod_of(deployment: dict, objects: list[dict]) -> dict | None:
    """Return the pod of a Deployment's newest template among objects; pure."""
    status = deployment.get("status", {})
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    # The pod of the former template may still be there.
    if not seen or not status.get("updatedReplicas"):
        return None
    labels = deployment["spec"]["selector"]["matchLabels"].items()
    alive = [
        one
        for one in objects
        if one["kind"] == "Pod"
        and "deletionTimestamp" not in one["metadata"]
        and labels <= one["metadata"]["labels"].items()
    ]
    return max(alive, key=lambda p: p["metadata"]["creationTimestamp"], default=None)


def last_line(pod: str) -> str:
    """Return the last line that a pod wrote; "" before the first.

    The same as `kubectl logs POD --tail=1`, but without the five lines of advice that
    follow curl's exit code 60.
    """
    done = kubectl("logs", pod, "--tail=6", check=False)
    text = re.sub(r"(curl: \(60\).*)(\n(?!curl: |\d{3}: ).*)+", r"\1", done.stdout)
    lines = [] if done.exit_code else text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def _shorten_name(pod: dict) -> None:
    """Use the book's short name, which resolves only in the namespace `default`."""
    _set(pod, "SERVER", "https://kubernetes")


def _omit_authority(pod: dict) -> None:
    """Project the files by hand, without ca.crt."""
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"path": "token"}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    pod["automountServiceAccountToken"] = False
    _mount(pod, {"name": "files", "projected": {"sources": sources}}, FILES)


def _omit_files(pod: dict) -> None:
    """Opt out of the files, as a pod may that never talks to the API server."""
    pod["automountServiceAccountToken"] = False


def _copy_token(pod: dict) -> None:
    """Read a token that somebody once copied into a Secret."""
    _set(pod, "TOKEN", f"{COPIED}/token")
    _mount(pod, {"name": "copied", "secret": {"secretName": SECRET}}, COPIED)


def _change_namespace(pod: dict) -> None:
    """Name the wrong namespace."""
    _set(pod, "NAMESPACE", ELSEWHERE)


#: in the order in which a request meets them
_WAYS = (_shorten_name, _omit_authority, _omit_files, _copy_token, _change_namespace)
#: neutral names: none tells how the copy is broken
NAMES = tuple(f"drill-{number}" for number in range(1, len(_WAYS) + 1))


def _set(pod: dict, name: str, value: str) -> None:
    container = pod["containers"][0]
    others = [one for one in container.get("env", []) if one["name"] != name]
    container["env"] = [*others, {"name": name, "value": value}]


def _mount(pod: dict, volume: dict, path: str) -> None:
    container = pod["containers"][0]
    mount = {"name": volume["name"], "mountPath": path}
    pod["volumes"] = [volume, *pod.get("volumes", [])]
    container["volumeMounts"] = [*container.get("volumeMounts", []), mount]


def _invalid_token(account: str, cluster: "Cluster") -> Token:
    """Return a token of an account that the server answers with 401."""
    with contextlib.suppress(errors.NoSigningKey):
        return backdate(cluster, create_token(account), expired_for=24 * 3600)
    # Without the cluster's key, the object that the token is bound to goes.
    kubectl("create", "secret", "generic", "gone")
    token = create_token(account, bound_to="secret/gone")
    kubectl("delete", "secret", "gone")
    return token


def _all_log(names: Iterable[str], label: str) -> bool:
    # In one request, however many copies there are.
    found = kubectl("get", "deployments,pods", f"--selector={label}", "-o", "json")
    items = found.json()["items"]
    copies = [one for one in items if one["kind"] == "Deployment"]
    pods = {one["metadata"]["name"]: pod_of(one, items) for one in copies}
    return all(
        (pod := pods.get(name)) and last_line(pod["metadata"]["name"]) for name in names
    )
