"""Check the resources that can be created and not read."""

from collections.abc import Iterable

from helpers.api.discovery import Server, api_resources
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

_READ = {"get", "list"}


@exercise
def find_questions(names: Iterable[str], server: Server) -> None:
    """Demand the names of all resources that can be created, and not read."""
    names = {names} if isinstance(names, str) else set(names)
    verbs = api_resources(server).set_index("NAME")["VERBS"]
    right = {
        name for name, can in verbs.items() if "create" in can and _READ.isdisjoint(can)
    }
    for name in sorted(names - right):
        if name not in verbs:
            raise NotSolved(say("There is no {name!r} in the column NAME.", name=name))
        can = ", ".join(sorted(verbs.loc[[name]].explode().unique()))
        fault = mark("{name} does not belong there: its verbs are {verbs}.")
        raise NotSolved(say(fault, name=name, verbs=can))
    if missing := right - names:
        fault = mark("{missing} of {all} are still missing.")
        raise NotSolved(say(fault, missing=len(missing), all=len(right)))
