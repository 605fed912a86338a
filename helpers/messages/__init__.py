"""Explain an error: a denied request by asking the cluster, a pasted text by rules.

The rules are data, which the site has, too: `website/_static/explain.js` says the same
of a text. A text is read and never sent anywhere.
"""

import html
import re
import shlex
from dataclasses import dataclass, replace
from typing import Any

from helpers.api.tokens import Token
from helpers.course import lessons
from helpers.language import language, mark, say, translate
from helpers.messages import pasted
from helpers.messages.rules import Rule, find_clue, find_rule
from helpers.rbac import refusals
from helpers.rbac.objects import (
    Attributes,
    check_command,
    kubectl_commands,
    subject_of,
)
from helpers.rbac.refusals.request import is_refusal

#: where a request ended, and the name of that step, in the order of a request
STEPS = {
    "configuration": mark("The client's configuration"),
    "address": mark("Name and address"),
    "tls": mark("TLS"),
    "authentication": mark("Authentication"),
    "authorization": mark("Authorization"),
    "admission": mark("Admission"),
    "object": mark("The request and its object"),
    "server": mark("The server and its storage"),
    "proxy": mark("A proxy, and what is behind it"),
    "node": mark("The node and its pods"),
}
#: words of an explanation; the box on the site has them, too
WORDS = {
    "step": mark("Step"),
    "why": mark("Why"),
    "ask": mark("Ask next"),
    "way": mark("Way out"),
    "lesson": mark("Lesson"),
    "more": mark("All messages of this kind"),
    "empty": mark("There is no message to explain."),
    "paste": mark("Paste the message, with the lines above and below it."),
    "unknown": mark("No rule knows this message, so its cause is unknown."),
    "search": mark(
        "Add the lines above it, or `kubectl … -v=8`: the request, the status code and "
        "the `message` of the response say most."
    ),
    "cut": mark("Only the beginning and the end of the text were read."),
    "title": mark("Paste an error"),
    "about": mark("From kubectl, curl, Python or a log. Nothing leaves this page."),
    "button": mark("Explain it"),
    "trial": mark("Reproduce it on an API server in this browser"),
}
#: the most requests of one text for which Roles are shown
MOST_ROLES = 10


@dataclass(frozen=True, repr=False)
class Advice:
    """The meaning of a pasted message; `rule` is "" for a message that no rule knows.

    `step` is where the request ended, as far as it can be told, `ask` a command that
    shows more, `commands` make the smallest Role and its binding, `lesson` is a number,
    `trial` a line for the API server in a browser.
    """

    rule: str
    step: str
    why: str
    ask: str
    hint: str
    commands: tuple[str, ...] = ()
    lesson: str = ""
    trial: str = ""

    def __repr__(self) -> str:
        lines = [f"{label}: {text}" for label, text in self._rows()]
        if self.lesson:
            lines[-1] += f" ({_lesson_path(self.lesson)})"
        lines[-1:-1] = [f"  {command}" for command in self.commands]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        lines = [f"**{label}:** {_markdown(text)}  " for label, text in self._rows()]
        if self.commands:
            lines[-1:-1] = ["", "```sh", *self.commands, "```", ""]
        return "\n".join(lines)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("step", self.step and say(STEPS[self.step])),
            ("why", self.why),
            ("ask", self.ask and f"`{self.ask}`"),
            ("way", self.hint),
            ("lesson", _lesson_title(self.lesson)),
        ]
        return [(say(WORDS[label]), text) for label, text in rows if text]


def explain(
    error: Any, *, token: Token | None = None
) -> "Advice | refusals.Explanation":
    """Explain a text that was pasted, a 401 or 403, or any exception.

    `error` is a text, such as some lines of kubectl, curl or a traceback, an exception,
    a Completed, a response of a Caller, or a Status as a dict. `token` is the token of
    a denied request. For a request that was denied, ask the API server for its reason,
    and for bindings that nearly fit; read what else an exception says as a text. Raise
    LabError for what is neither.
    """
    if isinstance(error, str):
        return explain_text(error)
    if isinstance(error, BaseException) and not is_refusal(error):
        return explain_text(_text_of(error))
    return refusals.explain(error, token=token)


def _text_of(error: BaseException) -> str:
    """Return what an exception says: its type, its message and body, and its cause."""
    lines = []
    seen: set[int] = set()
    each: BaseException | None = error
    while each and id(each) not in seen:
        seen.add(id(each))
        body = getattr(each, "body", None)
        lines += [f"{type(each).__name__}: {each}", *([str(body)] if body else [])]
        each = each.__cause__ or (
            None if each.__suppress_context__ else each.__context__
        )
    return "\n".join(lines)


def explain_text(text: str) -> Advice:
    """Return what a text means, only by its words."""
    if not text.strip():
        return Advice("", "", _word("empty"), "", _word("paste"))
    readings = pasted.readings(pasted.shorten(text))
    matched = find_rule(readings)
    cut = f" {_word('cut')}" if len(text) > pasted.LIMIT else ""
    if not matched:
        clue = find_clue(readings)
        return Advice("", clue.step, _word("unknown") + cut, clue.ask, _word("search"))
    rule, matches = matched
    values = _values(rule, matches[0])
    return Advice(
        rule.id,
        rule.step,
        fill(translate(rule.cause), values) + cut,
        _check(matches[0]) if rule.role else rule.ask.format(**_quoted(values)),
        fill(translate(rule.way), values),
        _role_commands(rule, matches),
        rule.lesson,
        rule.trial,
    )


def values_of(rule: Rule, text: str) -> dict[str, str]:
    """Return what a rule finds in a text that it matches."""
    matched = find_rule(pasted.readings(text))
    assert matched and matched[0] is rule, (rule.id, text)
    return _values(rule, matched[1][0])


def _values(rule: Rule, groups: dict[str, str]) -> dict[str, str]:
    """Return what a match has found, else the rule's defaults.

    With the resource as a rule of RBAC names it, and host and port as an address.
    """
    found = {key.rstrip("23"): text for key, text in groups.items() if text}
    if "host" in found and "port" in found:
        found["address"] = f"{found['host']}:{found['port']}"
    parts = (found.get("resource", ""), found.get("sub", ""))
    found["what"] = "/".join(filter(None, parts)) or found.get("path", "")
    values = {**dict.fromkeys(groups, ""), **rule.defaults, **found}
    return _shown(values)


def _shown(values: dict[str, str]) -> dict[str, str]:
    """Return values without backticks, which would end the code that shows them.

    This comes before any quoting, which it would undo.
    """
    return {key: text.replace("`", "'") for key, text in values.items()}


def fill(template: str, values: dict[str, str]) -> str:
    """Return a sentence of a rule with values in it, quoted for a shell in commands.

    Text between backticks is a command, unless it is a value and nothing else.
    """
    parts = template.split("`")
    for place, part in enumerate(parts):
        is_command = place % 2 and not re.fullmatch(r"\{\w+\}", part)
        parts[place] = part.format(**(_quoted(values) if is_command else values))
    return "`".join(parts)


def _quoted(values: dict[str, str]) -> dict[str, str]:
    """Return values as words of a command."""
    return {key: shlex.quote(text) for key, text in _named(values).items()}


def _named(values: dict[str, str]) -> dict[str, str]:
    """Return values, and placeholders for those that look like an option."""
    return {
        key: key.upper() if text.startswith("-") else text
        for key, text in values.items()
    }


def _word(key: str) -> str:
    return say(WORDS[key])


def _role_commands(rule: Rule, matches: list[dict[str, str]]) -> tuple[str, ...]:
    """Return commands that allow each request that the text names, and no other."""
    if not rule.role:
        return ()
    requests = [*dict.fromkeys(map(_request, matches))][:MOST_ROLES]
    if rule.verbs:
        requests = [replace(request, verb=rule.verbs) for request in requests]
        requests = [each for request in requests for each in _scopes(request)]
    lines = [kubectl_commands(request) for request in requests]
    return tuple(line for commands in lines for line in commands)


def _check(groups: dict[str, str]) -> str:
    return check_command(_request(_named(_shown(groups))))


def _request(groups: dict[str, str]) -> Attributes:
    return Attributes(
        user=groups["user"],
        verb=groups["verb"],
        resource=groups.get("resource", ""),
        group=groups.get("group", ""),
        subresource=groups.get("sub", ""),
        name=groups.get("name", ""),
        namespace=groups.get("namespace", ""),
        path=groups.get("path", ""),
    )


def _scopes(request: Attributes) -> list[Attributes]:
    """Return a request, and one of the whole cluster also in its sender's namespace."""
    if request.namespace or not kubectl_commands(request):
        return [request]
    home = subject_of(request.user).get("namespace", "NAMESPACE")
    return [request, replace(request, namespace=home)]


def _lesson_title(number: str) -> str:
    titles = {lesson.number: lesson.title for lesson in lessons()}
    return f"{number} {say(titles[number])}" if number else ""


def _lesson_path(number: str) -> str:
    """Return the notebook of a lesson, as JupyterLab's list of files shows it."""
    paths = {lesson.number: lesson.path for lesson in lessons()}
    folder = "ko/" if language() == "ko" else ""
    return f"{folder}{paths[number].as_posix()}"


def _markdown(text: str) -> str:
    """Return a text in which nothing outside of code is a mark or a tag."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([\\*_[\]~])", r"\\\1", part) for part in parts[::2]]
    parts[::2] = [html.escape(part, quote=False) for part in parts[::2]]
    return "`".join(parts)
