"""A label, its copy in a file and its copy in a variable, side by side, as it changes.

The facts are those of `helpers.downward`.
"""

import shlex
from datetime import UTC, datetime
from urllib.parse import quote

import ipywidgets
import pandas as pd

from cluster import errors
from cluster.waiting import until
from helpers.caller import Caller
from helpers.command import kubeconfig_in_use
from helpers.downward import Change, Changes, Copies, copies_of
from helpers.followers import Follower
from helpers.reviews import current_namespace
from helpers.watch import RECONNECTED, Watch, trouble
from helpers.widgets import markup
from helpers.widgets.live import Live
from helpers.widgets.view import View, named

#: changes that are drawn, newest first; `frame()` has them all
LATEST = 8
#: Seconds between two looks of the pod at its file: how exact the seconds are.
EXACT = 0.25


def downward_view(
    pod: str, label: str = "", *, namespace: str | None = None
) -> "DownwardView":
    """Change a label of a pod, and see when its file and its variable follow.

    Without `label` it is one that the pod sees both ways. `set_label(value)` changes
    it, as `kubectl label pod POD LABEL=VALUE --overwrite` does; `frame()` has a row
    per change. Raise ApiError if there is no such pod, NoCopy if no file of it follows.
    """
    where = current_namespace() if namespace is None else namespace
    path = f"/api/v1/namespaces/{quote(where)}/pods/{quote(pod)}"
    caller = Caller.from_kubeconfig(kubeconfig_in_use())
    answer = _answered(caller.get(path), "GET", path)
    # Before there is a view: one that is half made cannot be closed.
    read = answer.json()
    return DownwardView(read, copies_of(read, label), where, caller)


class DownwardView(View):
    """What the pod, a file in it and a variable say of one label."""

    def __init__(
        self, read: dict, copies: Copies, namespace: str, caller: Caller
    ) -> None:
        """Watch the pod that was `read`, and follow its file, until `stop`."""
        self._pod = pod = read["metadata"]["name"]
        self._path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}"
        self._caller, self._namespace = caller, namespace
        self.model = Changes(copies)
        self.model.begin(read, datetime.now(UTC))
        # The sentence, and the value in the field and of the label that it is about.
        self._refusal: tuple[str, str, str | None] = ("", "", None)
        self._value = named(
            ipywidgets.Text(description=f"Value of label {copies.label}:"), "24em"
        )
        self._set = ipywidgets.Button(description="Set label")
        self._set.on_click(lambda _: self.work(self._clicked))
        self._command, self._table = Live(), Live()
        self._value.observe(lambda _: self.changed(), "value")
        controls = ipywidgets.HBox(
            [self._value, self._set], layout={"flex_flow": "row wrap"}
        )
        super().__init__(
            f"Label {copies.label} of pod {pod}, and its copies in the container",
            controls,
            self._command,
            self._table,
            every=1.0,
        )
        self._watch = Watch(
            Caller.from_kubeconfig(kubeconfig_in_use()),
            f"/api/v1/namespaces/{quote(namespace)}/pods",
            self._hear,
            query={"fieldSelector": f"metadata.name={pod}"},
        )
        self._follower = Follower(
            pod,
            copies.file,
            self._see,
            namespace=namespace,
            container=copies.container,
            variable=copies.variable,
            every=EXACT,
        )
        try:
            self._follower.start()
        except errors.LabError:
            self.close()
            raise
        self._watch.start()
        self.changed()

    def set_label(self, value: str) -> None:
        """Give the label another value; raise ApiError with the server's sentence.

        A PATCH of the pod, as `kubectl label` sends it.
        """
        body = {"metadata": {"labels": {self.model.copies.label: value}}}
        answer = self._caller.request("PATCH", self._path, body=body)
        _answered(answer, "PATCH", self._path)

    def frame(self) -> pd.DataFrame:
        """Return a row per change: LABEL, CHANGED, FILE AFTER, VARIABLE THEN.

        FILE AFTER is in seconds, and empty as long as the file is behind, or if it went
        on to a later value at once.
        """
        return self.model.frame()

    def wait_for(self, value: str, *, timeout: float = 100.0) -> float:
        """Wait until the file has followed to `value`; return the seconds it took.

        Raise NotReady after `timeout` seconds. The default covers a kubelet that
        notices nothing before its regular round, once a minute.
        """
        if not until(lambda: self.model.seconds_of(value) is not None, timeout):
            what = f"{value!r} in {self.model.copies.file}"
            raise errors.NotReady(what, timeout, self._sentence())
        return self.model.seconds_of(value)

    def draw(self) -> None:
        """Draw the three values, and the changes with the seconds that pass."""
        now = datetime.now(UTC)
        values = markup.table(("WHERE", "VALUE"), self._values(), caption="Now")
        with self.model.lock:
            history = list(reversed(self.model.history))
        rows = [self._cells(one, now) for one in history[:LATEST]]
        caption = (
            f"Changes, newest first: {len(history):,}" if rows else "No change yet"
        )
        columns = ("LABEL", "CHANGED AT", "FILE FOLLOWED", self._variable_then())
        changes = markup.table(columns, rows, caption=caption)
        drawn = markup.block(values + changes)
        if drawn != self._table.value:
            self._table.value = drawn
        line = f"The same in a terminal: <code>{markup.text(self._line())}</code>"
        self._command.value = markup.block(f"<p>{line}</p>")
        self.say(self._refused() or self._sentence())

    def text(self) -> str:
        """Return the values and the changes."""
        now = datetime.now(UTC)
        lines = [self._sentence(), *(f"{k}: {v}" for k, v in self._values())]
        with self.model.lock:
            history = list(self.model.history)
        for one in history[-LATEST:]:
            label, at, followed, variable = self._cells(one, now)
            then = f"; {self._variable_then()} {variable}" if variable else ""
            lines.append(f"{at} label {label}: the file followed {followed}{then}")
        return "\n".join(lines)

    def stopping(self) -> None:
        """End the watch, and the process in the pod."""
        # Told first, so that both end at the same time.
        self._watch.end()
        self._follower.stop()
        self._watch.stop()

    def _clicked(self) -> None:
        value, label, sentence = self._value.value, self.model.value, ""
        try:
            if value == label:
                raise errors.LabError(f"The label is {value!r} already.")
            self.set_label(value)
        except errors.ApiError as error:
            sentence = f"The server refuses it: {error.message}"
        except errors.LabError as error:
            sentence = str(error)
        self._refusal = sentence, value, label
        self.changed()

    def _refused(self) -> str:
        """Return why a click did nothing, as long as that is true."""
        sentence, value, label = self._refusal
        same = (value, label) == (self._value.value, self.model.value)
        return sentence if same else ""

    def _hear(self, event) -> None:
        self.model.hear(event)
        if event.type == RECONNECTED:
            # It may have been that nobody answered.
            self._refusal = ("", "", None)
        self.changed()

    def _see(self, seen) -> None:
        self.model.see(seen)
        self.changed()

    def _line(self) -> str:
        pair = f"{self.model.copies.label}={self._value.value}"
        line = ["kubectl", "label", "pod", self._pod, pair, "--overwrite"]
        return shlex.join([*line, "-n", self._namespace])

    def _values(self) -> list[tuple[str, str]]:
        model, copies = self.model, self.model.copies
        rows = [
            (f"label {copies.label} of the pod", _shown(model.value)),
            (f"file {copies.file}", _shown(model.file)),
        ]
        if copies.variable:
            rows.append((f"variable {copies.variable}", _shown(model.variable)))
        return rows

    def _variable_then(self) -> str:
        return f"{self.model.copies.variable or 'VARIABLE'} THEN"

    def _cells(self, change: Change, now: datetime) -> list[str]:
        if change.overtaken:
            followed = "not seen: overtaken by a later one"
        elif change.seconds is None:
            followed = f"not yet, {(now - change.at).total_seconds():.0f} s so far"
        else:
            followed = f"after {change.seconds:.1f} s"
        done = change.seconds is not None and self.model.copies.variable
        variable = _shown(change.variable) if done else ""
        at = f"{change.at.astimezone():%H:%M:%S}"
        return [_shown(change.value), at, followed, variable]

    def _sentence(self) -> str:
        model = self.model
        if model.gone:
            return f"Pod {self._pod} is gone."
        if model.unheard:
            return trouble(model.unheard, refused=model.refused)
        if model.unseen:
            return f"Pod {self._pod} cannot be looked into: {model.unseen}"
        if model.file is None and not model.history:
            return f"Looking into pod {self._pod}."
        if model.waiting(datetime.now(UTC)) is not None:
            return "Waiting for the kubelet to write the file anew."
        if not model.history:
            return "The file has the value of the label."
        last = model.history[-1]
        return f"The file followed to {_shown(last.value)} after {last.seconds:.1f} s."


def _answered(answer, method: str, path: str):
    """Return an answer of 200; raise ApiError for any other."""
    if answer.status != 200:
        text = answer.data.decode(errors="replace")
        raise errors.ApiError(method, path, answer.status, text)
    return answer


def _shown(value: str | None) -> str:
    if value is None:
        return "(none)"
    return value or "(empty)"
