"""Walk through an API server from `/`: choose, and see the request and its answer.

What there is to choose, and how it is asked for, is known to `helpers.explorer`.
"""

import contextlib
import threading
from collections.abc import Sequence
from typing import Any

import ipywidgets
import urllib3

from cluster import errors
from helpers import answers, equivalents, explorer
from helpers.answers import Answer
from helpers.caller import Caller
from helpers.command import kubeconfig_in_use
from helpers.explorer import CORE, ROOT, Target
from helpers.offers import Offers
from helpers.reviews import current_namespace
from helpers.widgets import markup
from helpers.widgets.live import Live
from helpers.widgets.view import View, named

#: seconds between two looks whether there are new kinds; mostly two answers of 304
RENEW = 3.0
#: seconds that `choose` waits for an answer
PATIENCE = 30.0
#: lines of the answer in the text form
LINES = 20
TREE, TABLE = 0, 1
_STOPPED = "This view was stopped before the answer came."


def api_explorer(
    caller: Caller | None = None, *, namespace: str | None = None
) -> "ApiExplorer":
    """Show what the API server offers, from `/` down to one object; only reads.

    `caller` is by default the kubeconfig's user, `namespace` the notebook's own.
    `choose(...)` picks in Python and returns the answer, `request()` says how it was
    asked for. The same as `kubectl get --raw PATH`. Raise NotConnected before
    `connect()`, KubeconfigError if its user shows neither certificate nor token.
    """
    return ApiExplorer(caller, current_namespace() if namespace is None else namespace)


class ApiExplorer(View):
    """Group, version, resource, namespace, object: each choice is one GET."""

    def __init__(self, caller: Caller | None, namespace: str) -> None:
        """Ask for `/` and for discovery, and for what is chosen, until `stop`."""
        own = caller is None
        self._caller = caller or Caller.from_kubeconfig(kubeconfig_in_use())
        shows = {"nothing": "nobody", "token": "token" if own else "other token"}
        self._who = shows.get(self._caller.shows, "certificate")
        self._offers, self._space = Offers(self._caller, namespace), namespace
        self._answer: Answer | None = None
        self._open: urllib3.BaseHTTPResponse | None = None
        self._trouble, self._looking = "", False
        self._lock, self._filling = threading.RLock(), False
        self._wanted, self._done = 0, threading.Condition()
        self._finished = 0
        self._make_controls()
        choices = [self._group, self._version, self._resource, self._where, self._name]
        super().__init__(
            f"API explorer: {self._caller.server}",
            ipywidgets.HBox([*choices, self._send], layout={"flex_flow": "row wrap"}),
            self._head,
            self._kubectl,
            self._curl,
            self._tab,
            every=RENEW,
        )
        self._fill()
        self._ask()
        self.changed()

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
        table: bool = False,
        timeout: float = 0.0,
    ) -> Any:
        """Choose a path of `/`, or a resource and perhaps an object; return the answer.

        Without `version` it is the preferred one, without `namespace` the chosen one;
        "" means all. What was defined just now may be offered `timeout` seconds later.
        Raise UnknownKind for what discovery does not offer, NotReady without an answer
        in 30 seconds.
        """
        if self.stopped:
            raise errors.LabError("This view was stopped.", "Run its cell again.")
        if path is None:
            self._await_offer(group, resource, timeout)
        with self._lock:
            self._filling = True
            try:
                if path is not None:
                    self._pick_path(path)
                else:
                    self._pick(group, version, resource, namespace, name)
                self._tab.selected_index = TABLE if table else TREE
            finally:
                self._filling = False
            self._ask()
        return self.answer()

    def answer(self) -> Any:
        """Return the last answer: JSON as lists and maps, anything else as text.

        Wait for the one that is under way; raise NotReady after 30 seconds, LabError
        with the reason if there is none.
        """
        return self._awaited().content

    def request(self) -> dict[str, Any]:
        """Return how it was asked for, and the head of the answer.

        `method`, `url`, `headers` with the token masked, `status`, `milliseconds`,
        `bytes`, and the lines `kubectl` and `curl`.
        """
        last = self._awaited()
        return {
            "method": last.asked.method,
            "url": self._caller.server + last.asked.path,
            "headers": last.sent,
            "status": last.status,
            "milliseconds": last.milliseconds,
            "bytes": last.size,
            "kubectl": self._line(last),
            "curl": equivalents.curl_line(self._caller.server, last.asked, self._who),
        }

    def text(self) -> str:
        """Return the request, the status, and the first lines of the answer."""
        last = self._answer
        if last is None:
            return f"{self.title}\n{self._trouble or 'Asking.'}"
        lines = last.lines()
        more = [f"… and {len(lines) - LINES:,} more lines"] if lines[LINES:] else []
        return "\n".join(
            [
                f"{last.asked.method} {self._caller.server}{last.asked.path}",
                *(f"{name}: {value}" for name, value in last.sent.items()),
                last.sentence(),
                self._line(last),
                *lines[:LINES],
                *more,
            ]
        )

    # --- The view ---------------------------------------------------------------------

    def draw(self) -> None:
        """Look for new kinds, in the thread that may wait for the server."""
        if not self._looking:
            self._looking = True
            self.work(self._look)

    def stopping(self) -> None:
        """End the request that is under way, and let nobody wait for it."""
        self._shut()
        with self._done:
            self._done.notify_all()

    def _opened(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._open = answer
        if self.stopped:
            self._shut()

    def _shut(self) -> None:
        if self._open is not None:
            # What was read to its end has no connection left to shut.
            with contextlib.suppress(ValueError, OSError):
                self._open.shutdown()

    def _make_controls(self) -> None:
        def dropdown(description: str) -> ipywidgets.Dropdown:
            return named(ipywidgets.Dropdown(description=description))

        self._group, self._version = dropdown("Group:"), dropdown("Version:")
        self._resource, self._where = dropdown("Resource:"), dropdown("Namespace:")
        self._name = named(
            ipywidgets.Combobox(description="Object:", continuous_update=False), "22em"
        )
        self._send = ipywidgets.Button(
            description="Send again", tooltip="Send this request again"
        )
        self._head = Live()
        self._kubectl, self._curl = (
            named(ipywidgets.Textarea(description=name, rows=rows), "99%")
            for name, rows in (("kubectl:", 2), ("curl:", 7))
        )
        self._tree, self._table = Live(), Live()
        self._tab = ipywidgets.Tab(
            [self._tree, self._table], titles=("Tree", "Table"), selected_index=TREE
        )
        for control in (self._group, self._version, self._resource, self._where):
            control.observe(self._chosen, "value")
        self._name.observe(self._chosen, "value")
        self._tab.observe(self._chosen, "selected_index")
        self._send.on_click(lambda _: self._ask())

    def _chosen(self, change: dict) -> None:
        with self._lock:
            if self._filling:
                return
            if change["owner"] not in (self._name, self._tab):
                # An object of what was chosen before.
                self._set_quietly(self._name, value="", options=())
            if change["owner"] is self._where:
                self._space = self._where.value
            self._fill()
            self._ask()

    def _fill(self) -> None:
        """Offer what there is; whatever of the choice is still there stays chosen."""
        with self._lock:
            self._filling = True
            try:
                self._offer_all()
            finally:
                self._filling = False

    def _offer_all(self) -> None:
        found, spaces = self._offers.resources, self._offers.namespaces
        groups = [("/ (all paths)", ROOT)]
        groups += [(name or "(core)", name) for name in explorer.groups(found)]
        group = _offer(self._group, groups)
        if group == ROOT:
            _offer(self._version, [("-", "")])
            _offer(self._resource, [(path, path) for path in self._offers.paths])
        else:
            versions = explorer.versions(found, group)
            version = _offer(self._version, [(each, each) for each in versions])
            found = explorer.of_version(found, group, version)
            _offer(
                self._resource,
                [(explorer.describe(each), each.name) for each in found],
                default=next((e.name for e in found if "list" in e.verbs), None),
            )
        resource = self._target().resource
        namespaced = resource is not None and resource.namespaced
        places = [("all namespaces", ""), *((each, each) for each in spaces)]
        _offer(self._where, places, wanted=self._space)
        self._version.disabled = group == ROOT
        self._where.disabled = not namespaced
        self._name.disabled = resource is None

    def _target(self) -> Target:
        group, chosen = self._group.value, self._resource.value
        if group == ROOT or group is None:
            return Target(chosen or ROOT)
        resource = next(
            (
                each
                for each in explorer.of_version(
                    self._offers.resources, group, self._version.value
                )
                if each.name == chosen
            ),
            None,
        )
        if resource is None:
            return Target()
        space, slash, name = self._name.value.strip().rpartition("/")
        if not resource.namespaced:
            return Target("", resource, "", self._name.value.strip())
        return Target("", resource, space if slash else self._where.value or "", name)

    def _await_offer(self, group: str, resource: str | None, timeout: float) -> None:
        """Wait until discovery is there, and a while for one resource in it."""

        def offered() -> bool:
            return any(
                each.group == group and resource in (None, each.name)
                for each in self._offers.resources
            )

        with self._done:
            if not self._done.wait_for(
                lambda: self._offers.looks or self.stopped, PATIENCE
            ):
                reason = self._trouble or "no answer"
                raise errors.NotReady("Discovery", PATIENCE, reason)
            self._done.wait_for(offered, timeout)

    def _pick_path(self, path: str) -> None:
        if not path.startswith("/"):
            raise errors.LabError(f"{path} is no path.", "It begins with a slash.")
        self._offers.offer_path(path)
        self._group.value = ROOT
        self._offer_all()
        self._resource.value = path
        self._name.value = ""

    def _pick(self, group, version, resource, namespace, name) -> None:
        offered = [each for each in self._offers.resources if each.group == group]
        version = version or next((each.version for each in offered), None)
        offered = [each for each in offered if each.version == version]
        names = [each.name for each in offered]
        if not offered:
            known = explorer.groups(self._offers.resources)
            raise errors.UnknownKind(
                "/".join(filter(None, (group, version))), "", known
            )
        if resource and resource not in names:
            raise errors.UnknownKind(f"{group}/{version}".strip("/"), resource, names)
        # The first step makes the second one possible.
        self._group.value = group
        self._offer_all()
        self._version.value = version
        self._offer_all()
        self._resource.value = resource or self._resource.value
        if namespace is not None:
            self._space = namespace
            self._offers.offer_namespace(namespace)
        self._name.value = name
        self._offer_all()

    def _set_quietly(self, control: ipywidgets.Widget, **values: Any) -> None:
        before, self._filling = self._filling, True
        try:
            for name, value in values.items():
                setattr(control, name, value)
        finally:
            self._filling = before

    # --- Ask --------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for what is chosen now; a choice that has passed by is not asked for."""
        with self._lock:
            self._wanted += 1
            number, target = self._wanted, self._target()
            table = self._tab.selected_index == TABLE
        self.work(lambda: self._ask_now(number, target, table))

    def _ask_now(self, number: int, target: Target, table: bool) -> None:
        if number != self._wanted:
            return
        try:
            self._trouble = explorer.missing(target)
            if self._trouble:
                self.say(self._trouble)
                return
            self._answer = answers.ask(
                self._caller, target, table=table, opened=self._opened
            )
            self._show(self._answer)
        except (errors.LabError, urllib3.exceptions.HTTPError) as error:
            # The end of the view cuts the answer off; the server has no part in that.
            self._trouble = _STOPPED if self.stopped else f"No answer: {error}"
            self.say(self._trouble)
        finally:
            with self._done:
                self._finished = number
                self._done.notify_all()

    def _awaited(self) -> Answer:
        def finished() -> bool:
            return self._finished == self._wanted

        with self._done:
            self._done.wait_for(lambda: finished() or self.stopped, PATIENCE)
        # Never the answer to what was asked before.
        if self._trouble == _STOPPED or (not finished() and self.stopped):
            raise errors.LabError(_STOPPED, "Run its cell again.")
        if not finished():
            raise errors.NotReady("An answer", PATIENCE, "nothing yet")
        if self._trouble or self._answer is None:
            raise errors.LabError(self._trouble or "There is no answer.")
        return self._answer

    def _look(self) -> None:
        """Renew what there is to choose, if the server says that it has changed."""
        try:
            with self._lock:
                before = self._target()
            if self._offers.look():
                self._fill()
                if self._target() != before:
                    # What was chosen is gone: the answer to it says so no longer.
                    self._ask()
            with self._done:
                self._done.notify_all()
            if self._trouble.startswith("No answer"):
                self._ask()
        except (errors.LabError, urllib3.exceptions.HTTPError) as error:
            # It comes again by itself, and a refusal is no end of what can be asked.
            if self._trouble != str(error) and not self._answer:
                self.say(f"Discovery: {error}")
        finally:
            self._looking = False

    # --- Show -------------------------------------------------------------------------

    def _show(self, last: Answer) -> None:
        url = self._caller.server + last.asked.path
        sent = "".join(_header(*pair) for pair in last.sent.items())
        if self._caller.shows == "certificate":
            sent += "<br>No Authorization: the client certificate says who asks."
        address = f"<code>{markup.escape(f'{last.asked.method} {url}')}</code>"
        self._head.value = markup.block(f"<p>{address}{sent}</p>")
        self._kubectl.value = self._line(last)
        self._curl.value = equivalents.curl_line(
            self._caller.server, last.asked, self._who
        )
        shown = self._tables(last) if last.table else _tree(last)
        part = self._table if last.table else self._tree
        part.value = markup.block(shown)
        if not last.target.name and last.status == 200:
            self._suggest(last.content)
        self.say(last.sentence())

    def _tables(self, last: Answer) -> str:
        rows = explorer.rows(last.content)
        if rows is None:
            words = "The server has no table for this; the tree shows the answer."
            return f"<p>{words}</p>{_tree(last)}"
        columns, lines = rows
        caption = f"{len(lines):,} rows. {explorer.left_out(last.content)}"
        drawn = markup.table(columns, lines, caption=caption.strip())
        return markup.scrolled(drawn, "Table", key=last.asked.path)

    def _suggest(self, content: Any) -> None:
        """Offer the objects of a list."""
        whole = not self._where.value and not self._where.disabled
        found = explorer.names(content)
        options = tuple(f"{space}/{name}" if whole else name for space, name in found)
        if options != self._name.options:
            with self._lock:
                self._set_quietly(self._name, options=options)

    def _line(self, last: Answer) -> str:
        options = equivalents.kubectl_options(self._caller.server, self._who)
        return equivalents.kubectl_line(last.target, table=last.table, options=options)


def _offer(
    control: ipywidgets.Dropdown,
    options: Sequence[tuple[str, str]],
    *,
    wanted: str | None = None,
    default: str | None = None,
) -> str:
    """Put options into a dropdown and keep its value if it is one of them."""
    values = [value for _, value in options]
    value = control.value if wanted is None else wanted
    if value not in values:
        value = default if default in values else values[0]
    if tuple(control.options) != tuple(options):
        control.options = tuple(options)
    if control.value != value:
        control.value = value
    return value


def _tree(last: Answer) -> str:
    if isinstance(last.content, str):
        drawn = f"<pre>{markup.text(last.content)}</pre>"
    else:
        drawn = markup.tree(last.content)
    return markup.scrolled(drawn, "Answer", key=last.asked.path)


def _header(name: str, value: str) -> str:
    return f"<br><code>{markup.escape(name)}: {markup.escape(value)}</code>"
