"""List the owners of the fields of an object, from its managed fields. Pure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FIELD = "f:"


def field_owners(obj: dict) -> "pd.DataFrame":
    """Return a DataFrame: a row per field, a column per manager, "owns" or nothing.

    Fields are written as in a conflict, `.data.color`; both are sorted. The same as
    reading `kubectl get -o yaml --show-managed-fields`.
    """
    import pandas as pd

    owners = owners_by_field(obj)
    managers = sorted({name for names in owners.values() for name in names})
    rows = {
        field: {name: "owns" if name in names else "" for name in managers}
        for field, names in sorted(owners.items())
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=managers)


def owners_by_field(obj: dict) -> dict[str, set[str]]:
    """Return each managed field with the names of its managers."""
    owners: dict[str, set[str]] = {}
    for entry in obj["metadata"].get("managedFields", ()):
        for field in _leaves(entry.get("fieldsV1", {})):
            owners.setdefault(field, set()).add(entry["manager"])
    return owners


def _leaves(tree: dict, above: str = "") -> Iterator[str]:
    """Yield the paths of the leaves of a FieldsV1; "." in it is the field itself."""
    below = {key: part for key, part in tree.items() if key != "."}
    if not below and above:
        yield above
    for key, part in below.items():
        name = key.removeprefix(_FIELD)
        # Other prefixes name an item of a list: k:{"name":"main"}, v:"a", i:0.
        step = f".{name}" if key.startswith(_FIELD) else f"[{key[2:]}]"
        yield from _leaves(part, above + step)
