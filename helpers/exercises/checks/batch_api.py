"""Check facts about an API group, and a CronJob."""

import re
from collections.abc import Mapping

from helpers.api.proxy import KubectlProxy
from helpers.command import kubectl
from helpers.course.exercise import exercise
from helpers.errors import KubectlFailed, NotSolved
from helpers.exercises.checks.kubectl_proxy import WATCH, WATCHED, wrong_options
from helpers.language import mark, say

_WHERE = {
    "apiVersion": mark("Look at `preferredVersion` in /apis/autoscaling."),
    "kind": mark("Look at `kind` in the preferred version's first resource."),
    "short": mark("Look at `shortNames` in the preferred version's first resource."),
    "path": mark("It is the version's path, a slash, and the resource's `name`."),
}
_CRONJOB, _SCHEDULE, _IMAGE = "new-year", "0 0 1 1 *", "toolbox:1"
_PROGRAM = "echo"
#: whose Jobs the cluster itself runs
CONTROLLER = "kubernetes.io/job-controller"
#: the same minute in other words
_YEARLY = re.compile(
    r"@(yearly|annually)|0+ 0+ 0*1 (0*1|jan) ([*?]|\*/1|0-6|1-7|sun-sat|mon-sun)", re.I
)


@exercise
def explore_group(found: Mapping[str, str], server: KubectlProxy) -> None:
    """Demand the right facts about the group `autoscaling`."""
    preferred = server.read("/apis/autoscaling")["preferredVersion"]["groupVersion"]
    resource = server.read(f"/apis/{preferred}")["resources"][0]
    right = {
        "apiVersion": preferred,
        "kind": resource["kind"],
        "short": resource["shortNames"][0],
        "path": f"/apis/{preferred}/{resource['name']}",
    }
    for field, value in right.items():
        given = found.get(field, "")
        given = given.strip() if isinstance(given, str) else given
        if not given:
            raise NotSolved(say("{field}: there is no value yet.", field=field))
        if field == "path":
            if fault := wrong_options(str(given)):
                raise NotSolved(fault)
            given = str(given).partition("?")[0].rstrip("/")
        if given not in (value, [value]):
            fault = say("{field} is not {given!r}.", field=field, given=given)
            raise NotSolved(fault + " " + say(_WHERE[field]))


@exercise
def create_cronjob(path: str) -> None:
    """Demand a CronJob `new-year`, with the right schedule and image, and its path."""
    cron_job = kubectl(f"get cronjob {_CRONJOB} --output=json --ignore-not-found")
    if not cron_job.stdout:
        fault = mark(
            "There is no CronJob {name}: fill in `cronjob`, run its cell, and read the "
            "output."
        )
        raise NotSolved(say(fault, name=_CRONJOB))
    if fault := wrong_cronjob(cron_job.json()):
        raise NotSolved(fault)
    whole = path.strip()
    path = whole.partition("?")[0].rstrip("/")
    if not path:
        raise NotSolved(say("The CronJob is right, but `path` is still empty."))
    if not path.startswith("/"):
        raise NotSolved(say("{path} is not a path: paths begin with `/`.", path=path))
    if WATCHED.search(whole):
        raise NotSolved(say(WATCH))
    response = kubectl("get", "--raw", path, check=False)
    if response.exit_code and "NotFound" not in response.stderr:
        raise KubectlFailed(response.args, response.exit_code, response.stderr)
    if response.exit_code:
        fault = say("{path} is not found.", path=path)
        raise NotSolved(fault + " " + wrong_path(path))
    answer = response.json()
    if answer.get("metadata", {}).get("uid") != cron_job.json()["metadata"]["uid"]:
        fault = mark(
            "{path} returns a {kind}, not this CronJob: the path ends with the "
            "namespace, the resource and the name."
        )
        raise NotSolved(say(fault, path=path, kind=answer.get("kind")))
    if not path.endswith(f"/{_CRONJOB}"):
        fault = mark("{path} is one part of the CronJob: its path ends with the name.")
        raise NotSolved(say(fault, path=path))


def wrong_path(path: str) -> str:
    """Return a hint on a path that the server does not know; pure."""
    if "{" in path:
        return say("Put an `f` before the first quote.")
    if "/namespaces/" not in path:
        return say("A CronJob is in a namespace, so its path names one.")
    if "/cronjobs/" not in path:
        return say("The resource is in lower case and in the plural, `cronjobs`.")
    return say("Compare it with the path of `my-job`, part by part.")


def wrong_cronjob(cronjob: dict) -> str:
    """Return the fault of a CronJob, or ""."""
    name, spec = cronjob["metadata"]["name"], cronjob["spec"]
    if not _YEARLY.fullmatch(" ".join(spec["schedule"].split())):
        fault = mark("{name} runs at {schedule!r}, not at {wanted!r}.")
        return say(fault, name=name, schedule=spec["schedule"], wanted=_SCHEDULE)
    if spec.get("suspend"):
        return say("{name} is suspended, so it never runs.", name=name)
    job = spec["jobTemplate"]["spec"]
    containers = job["template"]["spec"]["containers"]
    images = [container["image"] for container in containers]
    if images != [_IMAGE]:
        fault = mark("{name} runs {images}, not {wanted}.")
        return say(fault, name=name, images=", ".join(images), wanted=_IMAGE)
    for field, stops in (
        ("suspend", job.get("suspend")),
        ("parallelism", job.get("parallelism") == 0),
        ("completions", job.get("completions") == 0),
        ("managedBy", job.get("managedBy", CONTROLLER) != CONTROLLER),
        # The server looks at CronJobs every 10 seconds.
        ("startingDeadlineSeconds", spec.get("startingDeadlineSeconds", 10) < 10),
    ):
        if stops:
            fault = mark("{name} has `{field}`, so it does not run: leave it out.")
            return say(fault, name=name, field=field)
    if containers[0].get("command", [_PROGRAM])[0] != _PROGRAM:
        fault = mark("{name} does not run `{program}`, as the `jobTemplate` did.")
        return say(fault, name=name, program=_PROGRAM)
    return ""
