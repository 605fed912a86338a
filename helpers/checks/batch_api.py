"""Check what was found out about a group, and a CronJob."""

from collections.abc import Mapping

from helpers import errors
from helpers.command import kubectl
from helpers.exercise import exercise
from helpers.proxy import KubectlProxy

_GROUP = "autoscaling"
_WHERE = {
    "apiVersion": f"Look at `preferredVersion` in the response of /apis/{_GROUP}.",
    "kind": "Look at `kind` in the first resource of the preferred version.",
    "short": "Look at `shortNames` in the first resource of the preferred version.",
    "path": "It is the path of the version, a slash, and the `name` of the resource.",
}
_CRONJOB, _SCHEDULE, _IMAGE = "new-year", "0 0 1 1 *", "toolbox:1"


@exercise
def explore_group(found: Mapping[str, str], server: KubectlProxy) -> None:
    """Check what a learner found out about the group `autoscaling`."""
    preferred = server.read(f"/apis/{_GROUP}")["preferredVersion"]["groupVersion"]
    resource = server.read(f"/apis/{preferred}")["resources"][0]
    right = {
        "apiVersion": preferred,
        "kind": resource["kind"],
        "short": resource["shortNames"][0],
        "path": f"/apis/{preferred}/{resource['name']}",
    }
    for field, value in right.items():
        told = found.get(field, "")
        if not told:
            raise errors.NotSolved(f"{field}: there is no value yet.")
        if told != value:
            raise errors.NotSolved(f"{field} is not {told!r}. {_WHERE[field]}")


@exercise
def create_cronjob(path: str) -> None:
    """Check that there is a CronJob `new-year`, what it does, and its path."""
    found = kubectl(f"get cronjob {_CRONJOB} --output=json", check=False)
    if found.exit_code:
        raise errors.NotSolved(
            f"There is no CronJob {_CRONJOB}: fill in `cronjob`, run its cell, and "
            "read the output."
        )
    wrong = wrong_cronjob(found.json())
    if wrong:
        raise errors.NotSolved(wrong)
    if not path:
        raise errors.NotSolved("The CronJob is right, but `path` is still empty.")
    if not path.startswith("/"):
        raise errors.NotSolved(f"{path} is not a path: that begins with `/`.")
    asked = kubectl("get", "--raw", path, check=False)
    if asked.exit_code:
        raise errors.NotSolved(f"{path} is not found. {wrong_path(path)}")
    answer = asked.json()
    if answer.get("metadata", {}).get("uid") != found.json()["metadata"]["uid"]:
        raise errors.NotSolved(
            f"{path} returns a {answer.get('kind')}, not this CronJob: the path ends "
            "with the namespace, the resource and the name."
        )


def wrong_path(path: str) -> str:
    """Return what is wrong with a path that the server does not know; pure."""
    if "{" in path:
        return "Put an `f` before the first quote."
    if "/namespaces/" not in path:
        return "A CronJob is in a namespace, so its path names one."
    if "/cronjobs/" not in path:
        return "The resource is in lower case and in the plural, `cronjobs`."
    return "Compare it with the path of `my-job`, part by part."


def wrong_cronjob(cronjob: dict) -> str:
    """Say what is wrong with the CronJob, or return an empty string."""
    name, spec = cronjob["metadata"]["name"], cronjob["spec"]
    if spec["schedule"] != _SCHEDULE:
        return f"{name} runs at {spec['schedule']!r}, not at {_SCHEDULE!r}."
    if spec.get("suspend"):
        return f"{name} is suspended, so it never runs."
    containers = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    images = [container["image"] for container in containers]
    if images != [_IMAGE]:
        return f"{name} runs {', '.join(images)}, not {_IMAGE}."
    return ""
