"""The base of every view: a state, a status line, a text form, and an end.

A view never blocks the kernel: what takes long runs in a thread of its own, and the
screen is updated at most five times a second. The base knows nothing of Kubernetes.
"""

import contextlib
import queue
import threading
import time
import weakref
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets

from helpers import errors
from helpers.language import say
from helpers.views.widgets import markup
from helpers.views.widgets.live import Live

#: seconds between two updates of the screen; the first of a burst comes at once
PAUSE = 0.2

#: seconds that a text form waits for an answer, which usually takes half a second
SOON = 2.0

#: seconds that the kernel waits for the end of a view; its threads end all the same
STOP = 2.0

#: views by the cell that opened them, with the execution that did
_OPEN: dict[str, list[tuple[str, "weakref.ref[View]"]]] = {}


class View(ipywidgets.VBox):
    """A widget that stays up to date until `stop`, which keeps it, or `close`.

    `state` is immutable. A subclass has `reduce`, which returns the next state for an
    event, `render`, which shows a state in the widgets, and `text`, the same as plain
    text. Running the cell again closes the view of the first run.
    """

    def __init__(
        self,
        title: str,
        *parts: ipywidgets.Widget,
        state: Any = None,
        every: float | None = None,
    ) -> None:
        """Show `parts` under a title; render again after `every` seconds, if given."""
        self.title, self.state = title, state
        self._line = Live(markup.block(markup.status("")))
        self._sentence = ""
        self._stop = ipywidgets.Button(
            description=say("Stop this view"),
            tooltip=say("Stop this view: {title}", title=title),
        )
        self._stop.on_click(lambda _: self.stop())
        head = ipywidgets.HTML(
            markup.STYLE + markup.block(f"<strong>{markup.text(title)}</strong>")
        )
        super().__init__([head, self._line, *parts, self._stop])
        self._every = every
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._dirty, self._ended = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        # Guards the state and the threads; `wait_until` waits for it.
        self._lock = threading.Condition()
        _replace(self)

    def reduce(self, state: Any, event: Any) -> Any:
        """Return the state after an event; pure, and quick."""
        raise NotImplementedError

    def render(self, state: Any) -> None:
        """Put a state into the widgets; called in the view's own thread."""
        raise NotImplementedError

    def text(self) -> str:
        """Return the view as plain text."""
        raise NotImplementedError

    def html(self, text: str) -> str:
        """Return HTML that says the same as the text, for a page without widgets."""
        return f"<pre>{escape(text)}</pre>"

    def on_stop(self) -> None:
        """End the watches and processes of a subclass."""

    def handle(self, event: Any) -> None:
        """Apply an event to the state, in any thread, and render it soon."""
        with self._lock:
            self.state = self.reduce(self.state, event)
            self._lock.notify_all()
        self.render_soon()

    def wait_until(self, fits: Callable[[Any], bool], seconds: float) -> bool:
        """Wait until the state fits, or the view is stopped; return whether it fits."""
        with self._lock:
            self._lock.wait_for(lambda: self.stopped or fits(self.state), seconds)
            return fits(self.state)

    @property
    def stopped(self) -> bool:
        """Return whether the view is no longer kept up to date."""
        return self._ended.is_set()

    @property
    def status(self) -> str:
        """Return the status line."""
        return self._sentence

    def report(self, sentence: str) -> None:
        """Put a sentence into the status line, unless the view is stopped."""
        if not self._ended.is_set():
            self._put(sentence)

    def _put(self, sentence: str) -> None:
        if sentence != self._sentence:
            self._sentence = sentence
            self._line.value = markup.block(markup.status(sentence))

    def render_soon(self) -> None:
        """Render soon; cheap enough to be called a thousand times a second."""
        self._begin(self._render_loop)
        self._dirty.set()

    def work(self, job: Callable[[], None]) -> None:
        """Run a job in the view's thread, after earlier jobs; report its LabError."""
        self._begin(self._work_loop)
        self._jobs.put(job)

    def stop(self) -> None:
        """End the threads and watches; keep the screen. A second call does nothing."""
        with self._lock:
            if self._ended.is_set():
                return
            self._ended.set()
            self._lock.notify_all()
        self._dirty.set()
        self._jobs.put(None)
        deadline = time.monotonic() + STOP
        try:
            self.on_stop()
        finally:
            self._finish(deadline)

    def _finish(self, deadline: float) -> None:
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        for control in self._controls():
            # A disabled control loses the focus, and a click gave it to this button.
            control.disabled = control is not self._stop
        # Not None: ipywidgets 7, which Colab has, takes only text.
        self._stop.description, self._stop.tooltip = say("Stopped"), ""
        self._put(say("Stopped.") + f" {self._sentence}")

    def close(self) -> None:
        """Stop, and take the view off the screen."""
        try:
            self.stop()
        finally:
            for part in (*self.children,):
                part.close()
            super().close()

    def __enter__(self) -> "View":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **options: object) -> dict:
        bundle = super()._repr_mimebundle_(**options)
        text = self.text()
        # For where no widgets are: GitHub, print, a page that was exported.
        note = say("Run this cell to use its controls.")
        html = f"{self.html(text)}<p>{escape(note)}</p>"
        return {**bundle, "text/plain": text, "text/html": html}

    def _controls(self) -> list[ipywidgets.Widget]:
        controls, left = [], list(self.children)
        while left:
            part = left.pop()
            left += getattr(part, "children", ())
            if hasattr(part, "disabled"):
                controls.append(part)
        return controls

    def _begin(self, loop: Callable[[], None]) -> None:
        name = loop.__name__
        with self._lock:
            if self._ended.is_set() or any(t.name == name for t in self._threads):
                return
            thread = threading.Thread(target=loop, daemon=True, name=name)
            self._threads.append(thread)
            thread.start()

    def _render_loop(self) -> None:
        while not self._ended.is_set():
            self._dirty.wait(self._every)
            self._dirty.clear()
            if self._ended.is_set():
                return
            began = time.monotonic()
            with self._report_errors():
                self.render(self.state)
            # Rest as long as the update took: half of the kernel's time at most.
            spent = time.monotonic() - began
            self._ended.wait(max(PAUSE - spent, spent))

    def _work_loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._ended.is_set():
                return
            with self._report_errors():
                job()

    @contextlib.contextmanager
    def _report_errors(self):
        try:
            yield
        except errors.LabError as error:
            self.report(str(error))
        except Exception as error:
            # A bug of ours. The thread lives on, and the learner is told.
            fault = errors.without_tokens(f"{type(error).__name__}: {error}")
            self.report(say("This view failed: {fault}", fault=fault))


def fit_description(
    control: ipywidgets.Widget, width: str = "auto"
) -> ipywidgets.Widget:
    """Return a control with room for its description."""
    control.style.description_width = "initial"
    control.layout.width = width
    # A long choice would make it wider than the view; it has a margin of its own.
    control.layout.max_width = "calc(100% - 2 * var(--jp-widgets-margin))"
    return control


def _replace(view: View) -> None:
    """Close the views of an earlier execution of this cell."""
    cell, execution = _cell_ids()
    if not cell:
        return
    kept = []
    for other, reference in _OPEN.get(cell, ()):
        former = reference()
        if former is not None and other != execution:
            former.close()
        elif former is not None:
            kept.append((other, reference))
    _OPEN[cell] = [*kept, (execution, weakref.ref(view))]


def _cell_ids() -> tuple[str, str]:
    """Return the ids of the cell and of its execution; empty outside of Jupyter."""
    with contextlib.suppress(ImportError, AttributeError):
        from IPython import get_ipython

        parent = get_ipython().get_parent()
        metadata, header = parent.get("metadata", {}), parent.get("header", {})
        return metadata.get("cellId", ""), header.get("msg_id", "")
    return "", ""
