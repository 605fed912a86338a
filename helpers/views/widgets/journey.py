"""Show the journey of a request from a pod as a row of boxes with their facts."""

import re
from html import escape
from typing import NamedTuple

import ipywidgets

from helpers import errors
from helpers.api.tokens import FILES
from helpers.command import current_namespace
from helpers.language import mark, say
from helpers.views.journey import encode_path, follow_request
from helpers.views.journey.steps import SKIPPED, STOPPED, UNREACHED, Journey, Step
from helpers.views.widgets import markup
from helpers.views.widgets.live import Live
from helpers.views.widgets.view import SOON, View, fit_description

SENDING = mark("Sending the request.")

#: choices of what to break, and the changed arguments of the request
BREAKS: dict[str, dict[str, str]] = {
    mark("nothing"): {},
    mark("the name: kubernetes alone"): {"host": "kubernetes"},
    mark("TLS: not ca.crt, but the authorities of the image"): {
        "ca": "/etc/ssl/certs/ca-certificates.crt"
    },
    mark("the token: send none"): {"token": ""},
    mark("the token: send the file namespace"): {"token": f"{FILES}/namespace"},
}


def request_journey(pod: str, path: str = "") -> "RequestJourney":
    """Send a GET from a pod and show each step of its way.

    `path` is by default the pods of the notebook's namespace. `follow_request(pod,
    path)` has the same as data. The same as `kubectl exec POD -- curl …`. Raise
    LabError for a path without a slash.
    """
    here = f"/api/v1/namespaces/{current_namespace()}"
    paths = [f"{here}/pods", f"{here}/secrets", "/apis", "/version", "/"]
    if path:
        encode_path(path)
        paths = list(dict.fromkeys([path, *paths]))
    return RequestJourney(pod, paths)


class JourneyState(NamedTuple):
    """The last journey, the error of a later request, and whether one is sent."""

    journey: Journey | None = None
    failed: errors.LabError | None = None
    sending: bool = False


class RequestJourney(View):
    """The steps of one request at a time."""

    def __init__(self, pod: str, paths: list[str]) -> None:
        self._pod = pod
        choice = ipywidgets.Dropdown(description=say("Try:"), options=paths)
        path = ipywidgets.Text(value=paths[0], description=say("Path:"))
        breaks = [(say(words), change) for words, change in BREAKS.items()]
        broken = ipywidgets.Dropdown(description=say("Break:"), options=breaks)
        self._choice, self._path = (
            fit_description(choice),
            fit_description(path, "30em"),
        )
        self._break = fit_description(broken)
        self._send = ipywidgets.Button(description=say("Send"))
        ipywidgets.dlink((self._choice, "value"), (self._path, "value"))
        self._send.on_click(lambda _: self.send())
        self._picture, self._facts = Live(), Live()
        controls = [self._choice, self._path, self._break, self._send]
        super().__init__(
            say("The journey of a request from pod {pod}", pod=pod),
            ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}),
            self._picture,
            self._facts,
            state=JourneyState(),
        )
        self.send()

    def send(self) -> None:
        """Send the request of the controls, unless a request is under way."""
        if not self.state.sending and not self.stopped:
            self.handle(SENDING)
            self.report(say(SENDING))
            self.work(self._follow)

    def reduce(
        self, state: JourneyState, event: Journey | errors.LabError | str
    ) -> JourneyState:
        """Return the state once a request was sent, was answered, or failed."""
        if isinstance(event, str):
            return state._replace(sending=True)
        if isinstance(event, Journey):
            return JourneyState(event)
        return JourneyState(state.journey, event)

    def render(self, state: JourneyState) -> None:
        """Show the boxes, and below them the facts of each."""
        if journey := state.journey:
            self._picture.value = _picture(journey)
            self._facts.value = _all_facts(journey)
        answered = journey.outcome if journey and not state.sending else say(SENDING)
        self.report(_plain_text(str(state.failed or answered)))

    def text(self) -> str:
        """Return the steps as numbered lines; wait a moment for them."""
        self.wait_until(lambda state: not state.sending, SOON)
        return _plain_text(str(self.state.failed or self.state.journey or say(SENDING)))

    def html(self, text: str) -> str:
        """Return the boxes with their facts, or else the text."""
        journey = self.state.journey
        if self.state.failed or not journey:
            return super().html(text)
        head = f"<strong>{markup.text(self.title)}</strong>"
        outcome = markup.text(_plain_text(journey.outcome))
        head = markup.STYLE + markup.block(f"<p>{head}</p><p>{outcome}</p>")
        return head + _picture(journey) + _all_facts(journey)

    def _follow(self) -> None:
        broken = self._break.value
        try:
            self.handle(follow_request(self._pod, self._path.value, **broken))
        except errors.LabError as error:
            self.handle(error)


#: how a box is drawn
_KINDS = {
    STOPPED: "lab-stopped",
    SKIPPED: "lab-unreached",
    UNREACHED: "lab-unreached",
}


def _picture(journey: Journey) -> str:
    label = escape(say("The steps of the request"))
    return markup.block(
        f"<p><code>GET {markup.text(journey.request.path)}</code></p>"
        '<div class="lab-steps"><ol class="lab-journey" role="list" '
        f'aria-label="{label}">{"".join(map(_box, journey.steps))}</ol></div>'
    )


def _all_facts(journey: Journey) -> str:
    opened = journey.stopped_at or "authorization"
    facts = (_facts(step, opened=step.name == opened) for step in journey.steps)
    return markup.block(f'<div class="lab-facts">{"".join(facts)}</div>')


def _box(step: Step) -> str:
    kind = _KINDS.get(step.state, "")
    answer = f"<p>{_mark_code(step.answer)}</p>" if step.answer else ""
    return (
        f'<li class="{kind}"><p><strong>{step.heading}</strong></p>'
        f"<p>{step.outcome}</p>{answer}</li>"
    )


def _facts(step: Step, *, opened: bool) -> str:
    facts = [(say(word), text) for word, text in step.facts]
    rows = [
        (say("asked"), step.question),
        (say("answer"), _plain_text(step.answer)),
        *facts,
    ]
    short = [row for row in rows if "\n" not in row[1] and row[1]]
    caption = say("What happened: {step}", step=step.heading)
    table = markup.table((say("WHAT"), say("SAID")), short, caption=caption)
    blocks = "".join(
        f"<p>{markup.text(word)}:</p><pre>{escape(text)}</pre>"
        for word, text in (*facts, (say("see it yourself"), step.command))
        if text and ("\n" in text or text == step.command)
    )
    return (
        f"<details{' open' if opened else ''}><summary>{step.heading}: "
        f"{say(step.state)}</summary>{table}{blocks}</details>"
    )


def _mark_code(sentence: str) -> str:
    """Return a sentence with its `names` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", markup.text(sentence))


def _plain_text(sentence: str) -> str:
    return sentence.replace("`", "")
