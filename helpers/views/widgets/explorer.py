"""Walk through an API server from `/`: choose, and see the request and its answer."""

import shlex
import time
from functools import partial
from html import escape
from typing import Any

import ipywidgets

from helpers import errors
from helpers.api.caller import Caller
from helpers.api.discovery import read_discovery, resources
from helpers.command import current_namespace, kubeconfig_in_use, time_limit
from helpers.language import say
from helpers.views.widgets import explorer_model as model, markup
from helpers.views.widgets.explorer_model import (
    CORE,
    ROOT,
    Answered,
    Choice,
    Chosen,
    ExplorerAnswer,
    ExplorerState,
    Loaded,
    Offer,
)
from helpers.views.widgets.live import Live
from helpers.views.widgets.view import SOON, View, fit_description

#: seconds that `choose` usually waits for an answer
ANSWERED = 30.0
#: lines of the answer in the text form
LINES = 20
SPACES = "/api/v1/namespaces?limit=500"


def api_explorer(
    caller: Caller | None = None, *, group: str = ROOT, namespace: str | None = None
) -> "ApiExplorer":
    """Show the API, from `/` down to an object; only reads.

    `caller` is by default the kubeconfig's user, `namespace` the notebook's own;
    `group` is chosen first. In Python, `choose(...)` returns the answer and `request()`
    the request. The same as `kubectl get --raw PATH`. Raise NotConnected before
    `connect()`, KubeconfigError if the user has no usable credential.
    """
    place = current_namespace() if namespace is None else namespace
    return ApiExplorer(caller, Choice(group, namespace=place))


class ApiExplorer(View):
    """Group, version, resource, namespace, object: each choice is one GET."""

    def __init__(self, caller: Caller | None, first: Choice) -> None:
        self._own = caller is None
        self._caller = caller or Caller.from_kubeconfig(kubeconfig_in_use())
        self._filling = False
        self._make_controls()
        choices = [self._group, self._version, self._resource, self._where, self._name]
        buttons = [self._send, self._reload]
        super().__init__(
            say("API explorer: {server}", server=self._caller.server),
            ipywidgets.HBox([*choices, *buttons], layout={"flex_flow": "row wrap"}),
            self._head,
            self._kubectl,
            self._tree,
            # The request for a group is sent when its resources are known.
            state=ExplorerState(first, asked=int(first.group != ROOT)),
        )
        if first.group == ROOT:
            self.handle(Chosen(first))
        self.work(self._load)

    # --- As data ----------------------------------------------------------------------

    def choose(
        self,
        *,
        path: str | None = None,
        group: str = CORE,
        version: str | None = None,
        resource: str | None = None,
        namespace: str | None = None,
        name: str = "",
    ) -> Any:
        """Choose a path, or a resource and perhaps an object; return the answer.

        Defaults are the preferred version and the chosen namespace; "" means all. Raise
        UnknownKind for an unknown resource, NotReady after 30 seconds.
        """
        if self.stopped:
            message = say("This view was stopped.")
            raise errors.LabError(message, say("Run its cell again."))
        if path is not None and not path.startswith("/"):
            message = say("{path} is no path.", path=path)
            raise errors.LabError(message, say("It begins with a slash."))
        place = self.state.choice.namespace if namespace is None else namespace
        choice = Choice(ROOT, "", path or ROOT, place)
        if path is None:
            # The choices may be older than the resource.
            if self.state.offer.find(group, version, resource) is None:
                self.reload()
            entry = self.state.offer.find(group, version, resource)
            if entry is None:
                raise self.state.offer.unknown(group, version, resource or "")
            choice = Choice(entry.group, entry.version, resource or "", place, name)
        self.handle(Chosen(choice))
        return self.answer()

    def reload(self) -> None:
        """Load the choices again; raise ApiError if discovery is refused."""
        listed = [
            resource
            for resource in resources(read_discovery(self._caller))
            if {"get", "list"} & {*resource.verbs}
        ]
        paths = self._optional(ROOT).get("paths", ())
        spaces = model.names(self._optional(SPACES))
        offer = Offer(
            (ROOT, *(path for path in paths if path != ROOT)),
            tuple(listed),
            spaces,
        )
        self.handle(Loaded(offer))

    def answer(self) -> Any:
        """Wait for the last answer; return JSON as lists and maps, the rest as text.

        Raise NotReady after 30 seconds, LabError with the reason of a failure.
        """
        return self._wait_for_answer().content

    def request(self) -> dict[str, Any]:
        """Return the last request, and the head of its answer.

        `method`, `url`, `headers` with the token masked, `status`, `milliseconds`,
        `bytes`, and the line for `kubectl`.
        """
        last = self._wait_for_answer()
        return {
            "method": "GET",
            "url": self._caller.server + last.path,
            "headers": last.sent,
            "status": last.status,
            "milliseconds": last.milliseconds,
            "bytes": last.size,
            "kubectl": last.kubectl,
        }

    def text(self) -> str:
        """Return the request, the status, and the first lines of the answer."""
        self.wait_until(lambda state: state.answered == state.asked, SOON)
        state, last = self.state, self.state.answer
        if last is None:
            return f"{self.title}\n{state.sentence}"
        lines = last.lines()
        count = len(lines) - LINES
        more = [say("… and {count:,} more lines", count=count)] if count > 0 else []
        head = [*self._head_of(last), state.sentence, last.kubectl]
        return "\n".join([*head, *lines[:LINES], *more])

    # --- The view ---------------------------------------------------------------------

    def handle(self, event: Chosen | Loaded | Answered) -> None:
        """Apply an event to state and controls; send the next request."""
        with self._lock:
            requests = self.state.asked
            super().handle(event)
            self._fill(self.state)
            if self.state.asked != requests:
                self.work(partial(self._ask, self.state))

    def reduce(
        self, state: ExplorerState, event: Chosen | Loaded | Answered
    ) -> ExplorerState:
        """Return the state after an event."""
        return model.reduce(state, event)

    def render(self, state: ExplorerState) -> None:
        """Show the last request and its answer."""
        last = state.answer
        if last is not None:
            lines = map(escape, self._head_of(last))
            sent = "<br>".join(f"<code>{line}</code>" for line in lines)
            if self._caller.credential_kind == "certificate":
                note = say("No Authorization: the certificate names the sender.")
                sent += f"<br>{escape(note)}"
            self._head.value = markup.block(f"<p>{sent}</p>")
            self._kubectl.value = last.kubectl
            drawn = f"<pre>{markup.text(last.content)}</pre>"
            if not isinstance(last.content, str):
                drawn = markup.tree(last.content, name=say("answer"))
            scrolled = markup.scroll_region(drawn, say("Answer"), key=last.path)
            self._tree.value = markup.block(scrolled)
        self.report(state.sentence)

    def _head_of(self, last: ExplorerAnswer) -> list[str]:
        """Return the first line of a request, and its headers."""
        headers = [f"{name}: {value}" for name, value in last.sent.items()]
        return [f"GET {self._caller.server}{last.path}", *headers]

    def _make_controls(self) -> None:
        labels = say("Group:"), say("Version:"), say("Resource:"), say("Namespace:")
        self._group, self._version, self._resource, self._where = (
            fit_description(ipywidgets.Dropdown(description=label)) for label in labels
        )
        name = ipywidgets.Combobox(description=say("Object:"), continuous_update=False)
        self._name = fit_description(name, "22em")
        self._send = ipywidgets.Button(description=say("Send again"))
        self._reload = ipywidgets.Button(
            description=say("Reload"), tooltip=say("Load the choices again")
        )
        self._head, self._tree = Live(), Live()
        line = ipywidgets.Textarea(description="kubectl:", rows=2)
        self._kubectl = fit_description(line, "99%")
        fields = ("group", "version", "resource", "namespace", "name")
        controls = (self._group, self._version, self._resource, self._where, self._name)
        for field, control in zip(fields, controls, strict=True):
            control.observe(partial(self._choose, field), "value")
        self._send.on_click(lambda _: self.handle(Chosen(self.state.choice)))
        self._reload.on_click(lambda _: self.work(self._load))

    def _choose(self, field: str, change: dict) -> None:
        with self._lock:
            if self._filling:
                return
            choice = self.state.choice._replace(**{field: change["new"]})
            if field != "name":
                # An object of what was chosen before.
                choice = choice._replace(name="")
            self.handle(Chosen(choice))

    def _fill(self, state: ExplorerState) -> None:
        """Show the state in the controls, without a choice of the learner."""
        choice, offer, resource = state.choice, state.offer, state.resource
        groups = [(say("/ (all paths)"), ROOT)]
        groups += [(name or say("(core)"), name) for name in offer.groups()]
        versions = [(name, name) for name in offer.versions(choice.group)]
        resources = offer.of_version(choice.group, choice.version)
        listed = [(f"{item.name} ({item.kind})", item.name) for item in resources]
        paths = {**dict.fromkeys(offer.paths), choice.resource: None}
        # With the notebook's own, because not every user may list namespaces.
        spaces = {"": None, **dict.fromkeys(offer.namespaces), choice.namespace: None}
        places = [(name or say("all namespaces"), name) for name in spaces]
        self._filling = True
        try:
            _set(self._group, groups, choice.group)
            _set(self._version, versions or [("-", "")], choice.version)
            _set(self._resource, listed or [(p, p) for p in paths], choice.resource)
            _set(self._where, places, choice.namespace)
            self._name.options, self._name.value = state.names, choice.name
        finally:
            self._filling = False
        if not self.stopped:
            self._version.disabled = self._name.disabled = resource is None
            self._where.disabled = resource is None or not resource.namespaced

    # --- Ask --------------------------------------------------------------------------

    def _load(self) -> None:
        try:
            self.reload()
        except errors.LabError as error:
            # Paths can be read although discovery is refused.
            trouble = say("What there is to choose is not known: {error}", error=error)
            self.handle(Loaded(self.state.offer, trouble))

    def _optional(self, path: str) -> dict:
        """Return the JSON of a path, or {} if this user may not read it."""
        reply = self._caller.get(path, headers={"Accept": model.ACCEPT})
        return reply.json() if reply.status == 200 else {}

    def _ask(self, state: ExplorerState) -> None:
        """Send the request of a state, unless there is a newer choice."""
        if state.asked != self.state.asked:
            return
        answer, trouble = None, ""
        try:
            answer = self._get(state)
        except errors.LabError as error:
            trouble = say("No answer: {error}", error=error)
        self.handle(Answered(state.asked, answer, trouble))

    def _get(self, state: ExplorerState) -> ExplorerAnswer:
        """Send one GET; any status is an answer. Raise what `Caller.get` raises."""
        path, sent = model.path_of(state), {"Accept": model.ACCEPT}
        began = time.monotonic()
        reply = self._caller.get(path, headers=sent)
        took = round(1000 * (time.monotonic() - began), 1)
        if self._caller.credential_kind == "token":
            sent["Authorization"] = "Bearer (masked)"
        kind = reply.headers.get("Content-Type", "?")
        line = f"kubectl get --raw {shlex.quote(path)}"
        if not self._own:
            line += "  # " + say("as the kubeconfig's user")
        return ExplorerAnswer(
            choice=state.choice,
            path=path,
            sent=sent,
            kubectl=line,
            status=reply.status,
            reason=reply.reason_phrase,
            type=kind,
            milliseconds=took,
            size=len(reply.content),
            content=reply.json() if "json" in kind else reply.text,
        )

    def _wait_for_answer(self) -> ExplorerAnswer:
        seconds = time_limit(ANSWERED)
        # Never the answer to what was asked before.
        done = self.wait_until(lambda state: state.answered == state.asked, seconds)
        state = self.state
        if not done and self.stopped:
            message = say("This view was stopped before the answer came.")
            raise errors.LabError(message, say("Run its cell again."))
        if not done:
            raise errors.NotReady(say("An answer"), seconds, say("nothing yet"))
        if state.trouble or state.answer is None:
            raise errors.LabError(state.trouble or say("There is no answer."))
        return state.answer


def _set(control: ipywidgets.Dropdown, options: list, value: str) -> None:
    if list(control.options) != options:
        control.options = options
    if control.value != value:
        control.value = value
