"""Check deletion, ownership of fields and long lists with the client library."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from helpers import errors
from helpers.command import current_namespace, kubectl
from helpers.managedfields import owners_by_field

_POD = {
    "restartPolicy": "Never",
    # No node has this name: the pod waits for one, and that it is there is enough.
    "nodeSelector": {"kubernetes.io/hostname": "nowhere"},
    "terminationGracePeriodSeconds": 0,
    "containers": [
        {"name": "main", "image": "toolbox:1", "command": ["sleep", "infinity"]}
    ],
}
_BODY = {
    "metadata": {"generateName": "practice-"},
    "spec": {"template": {"spec": _POD}},
}

#: seconds; a busy machine starts and ends pods one after the other
TIMEOUT = 100


def job_goes_last(options: Mapping[str, object], batch: Any) -> str:
    """Diagnose options of a DELETE that do not keep a Job until its pods are gone.

    A Job is made for it, and deleted by `batch` (a `BatchV1Api`) with these options.
    """
    from kubernetes.client import ApiException
    from pydantic import ValidationError

    namespace = current_namespace()
    name = batch.create_namespaced_job(namespace, _BODY).metadata.name
    selector = f"--selector=batch.kubernetes.io/job-name={name}"
    waited = f"--timeout={TIMEOUT}s"
    kubectl(
        *("wait", "--for=jsonpath={.status.active}=1", f"job/{name}", waited),
        timeout=TIMEOUT,
    )
    try:
        answer = batch.delete_namespaced_job(name, namespace, **options)
        fault = why_not_last(answer)
        if not fault:
            kubectl("wait", "--for=delete", f"job/{name}", waited, timeout=TIMEOUT)
            left = kubectl("get", "pods", selector, "-o", "name").stdout.split()
            fault = f"The Job is gone, and {left[0]} is still there." if left else ""
    except ApiException as error:
        fault = errors.ApiError("DELETE", name, error.status, error.body or "").message
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"The client does not take {first['loc'][-1]!r}: {first['msg']}."
    finally:
        kubectl("delete", "job", name, "--wait=false", "--ignore-not-found")
        kubectl("delete", "pod", selector, "--wait=false")
    return fault


def why_not_last(answer: Mapping) -> str:
    """Return what a DELETE of a Job does instead of deleting its pods first; pure."""
    finalizers = answer.get("metadata", {}).get("finalizers", [])
    if "orphan" in finalizers:
        return (
            "The pods stay behind and lose their owner: that is what happens to a Job "
            "without a policy."
        )
    if "foregroundDeletion" not in finalizers:
        return "The Job is gone at once, and its pods follow: that is Background."
    return ""


def owned_by(
    resource: str,
    owners: Mapping[str, Collection[str]],
    *,
    gone: Collection[str] = (),
) -> str:
    """Diagnose the first field of `resource` that is not owned as it should be.

    `owners` maps fields, written as in a conflict, to the names of their managers;
    `gone` are fields that should not be there.
    """
    found = kubectl("get", resource, "-o", "json", "--show-managed-fields", check=False)
    if found.exit_code:
        return f"{resource}: {found.stderr.strip()}"
    return wrong_owner(found.json(), owners, gone)


def wrong_owner(
    obj: dict, owners: Mapping[str, Collection[str]], gone: Collection[str] = ()
) -> str:
    """Return which field of an object has the wrong owner, or ""; pure."""
    actual = owners_by_field(obj)
    for field in gone:
        if holders := actual.get(field):
            return (
                f"{field} is still there, for {', '.join(sorted(holders))}: a manager "
                "gives a field up by applying without it."
            )
    for field, names in owners.items():
        has = actual.get(field, set())
        if not has:
            return f"{field} is gone: the last one who owned it applied without it."
        if lacking := sorted(set(names) - has):
            return (
                f"{field} is not owned by {', '.join(lacking)}, but by "
                f"{', '.join(sorted(has))}; an owner is who applies with the field."
            )
        if more := sorted(has - set(names)):
            return (
                f"{field} is still owned by {', '.join(more)}: a manager gives a field "
                "up by applying without it."
            )
    return ""


_SECOND = 2


def survives_expiry(
    all_names: Callable[[Callable], list[str]], list_page: Callable, expired: str
) -> str:
    """Diagnose a function that returns all names of a list, `all_names(list_page)`.

    `list_page` takes `limit` and `_continue`. The first request for a second page is
    sent with the token `expired` instead.
    """
    from kubernetes.client import ApiException

    expected = [one.metadata.name for one in list_page().items]
    calls = []

    def bad_day(**options):
        calls.append(options)
        if len(calls) == _SECOND:
            options = {**options, "_continue": expired}
        return list_page(**options)

    try:
        found = all_names(bad_day)
    except ApiException as error:
        if error.status != 410:
            raise
        return "The second page was answered with 410, and your function ended there."
    return _wrong_names(found or [], expected, len(calls))


def _wrong_names(found: list[str], expected: list[str], calls: int) -> str:
    if calls < _SECOND:
        return "It asked for one page only; give `list_page` a limit, and go on."
    missing, twice = set(expected) - set(found), len(found) - len(set(found))
    if missing:
        return f"Names are missing: {', '.join(sorted(missing))}."
    if twice:
        return (
            f"{twice} names are there twice: forget what you have when you begin again."
        )
    return ""
