"""Check a CronJob."""

from helpers.command import kubectl


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
