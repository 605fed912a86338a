"""Check lists that are read in pages, and a CronJob."""

from collections.abc import Callable, Iterable

from helpers.command import kubectl
from helpers.discovery import api_resources
from helpers.proxy import KubectlProxy

_READ = {"get", "list"}


def names_are_complete(
    names_of: Callable[..., list[str]], server: KubectlProxy, path: str
) -> str:
    """Diagnose a function that reads a list page by page, `names_of(path, limit=)`."""
    expected = [item["metadata"]["name"] for item in server.read(path)["items"]]
    for limit in (1, 2, len(expected), len(expected) + 1):
        found = names_of(path, limit=limit)
        if found is None or len(found) < len(expected):
            return (
                f"limit={limit}: {len(found or [])} of {len(expected)} names. While "
                "`metadata.continue` is there, ask again and send it along."
            )
        if sorted(found) != sorted(expected):
            return (
                f"limit={limit}: {len(found)} names of {len(expected)}: a page came "
                "twice, or a name is wrong."
            )
    return ""


def only_created(names: Iterable[str], server: KubectlProxy) -> str:
    """Diagnose which names of create-only resources are wrong."""
    verbs = api_resources(server).set_index("NAME")["VERBS"]
    right = {
        name for name, can in verbs.items() if "create" in can and _READ.isdisjoint(can)
    }
    for name in sorted(set(names) - right):
        if name not in verbs:
            return f"There is no resource {name!r}."
        can = verbs.loc[[name]].explode().unique()
        return f"{name} does not belong there: its verbs are {', '.join(sorted(can))}."
    missing = len(right - set(names))
    return f"{missing} of {len(right)} are still missing." if missing else ""


def cronjob_runs(name: str, *, schedule: str, image: str) -> str:
    """Diagnose why there is no CronJob `name` that would run `image` on `schedule`."""
    found = kubectl("get", "cronjob", name, "-o", "json", check=False)
    if found.exit_code:
        return f"{found.stderr.strip()}. Send it with `kubectl apply`."
    return wrong_cronjob(found.json(), schedule=schedule, image=image)


def wrong_cronjob(cronjob: dict, *, schedule: str, image: str) -> str:
    """Return what is wrong with a CronJob as the API returns it, or ""."""
    name, spec = cronjob["metadata"]["name"], cronjob["spec"]
    if spec["schedule"] != schedule:
        return f"{name} runs at {spec['schedule']!r}, not at {schedule!r}."
    if spec.get("suspend"):
        return f"{name} is suspended, so it never runs."
    images = [
        c["image"]
        for c in spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    ]
    if images != [image]:
        return f"{name} runs {', '.join(images)}, not {image}."
    return ""
