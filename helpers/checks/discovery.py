"""Check which resources a learner found that are created and never read."""

from collections.abc import Iterable

from helpers import errors
from helpers.discovery import Server, api_resources
from helpers.exercise import exercise

_READ = {"get", "list"}


@exercise
def find_questions(names: Iterable[str], server: Server) -> None:
    """Demand the names of all resources that can be created, and not got or listed."""
    verbs = api_resources(server).set_index("NAME")["VERBS"]
    right = {
        name for name, can in verbs.items() if "create" in can and _READ.isdisjoint(can)
    }
    for name in sorted(set(names) - right):
        if name not in verbs:
            raise errors.NotSolved(f"There is no resource {name!r}.")
        can = ", ".join(sorted(verbs.loc[[name]].explode().unique()))
        raise errors.NotSolved(f"{name} does not belong there: its verbs are {can}.")
    if missing := right - set(names):
        raise errors.NotSolved(f"{len(missing)} of {len(right)} are still missing.")
