"""Check what `00-start-here` asks for."""

from helpers.command import kubectl


def label_is(resource: str, key: str, value: str) -> str:
    """Diagnose why `resource` (as `pod/curl`) does not carry the label `key=value`."""
    found = kubectl("get", resource, "-o", "json", check=False)
    if found.exit_code:
        return f"{resource}: {found.stderr.strip()}"
    labels = found.json()["metadata"].get("labels", {})
    if key not in labels:
        return f"{resource} has no label {key!r}; it has {', '.join(sorted(labels))}."
    if labels[key] != value:
        return f"The label {key} of {resource} is {labels[key]!r}, not {value!r}."
    return ""
