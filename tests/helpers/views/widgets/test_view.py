"""A view is drawn as often as needed, tells what went wrong, and ends its threads."""

import contextlib
import threading
import time

import ipywidgets
import pytest

from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from helpers import errors
from helpers.views.widgets import view as views
from helpers.views.widgets.view import View, fit_description

SECONDS = 10.0


class Counter(View):
    """Shows how often it was drawn."""

    def __init__(self, **options) -> None:
        self.drawn = self.ended = 0
        self.number = ipywidgets.HTML()
        self.control = fit_description(ipywidgets.Text(description="Anything:"))
        super().__init__("Counter", self.number, self.control, state=(), **options)

    def reduce(self, state: tuple, event: str) -> tuple:
        return (*state, event)

    def render(self, state: tuple) -> None:
        self.drawn += 1
        self.number.value = str(self.drawn)

    def text(self) -> str:
        return f"drawn <{self.drawn}>"

    def on_stop(self) -> None:
        self.ended += 1


@pytest.fixture
def counter():
    with Counter() as made:
        yield made


def threads() -> set[threading.Thread]:
    return {
        each
        for each in threading.enumerate()
        if each.name in ("_render_loop", "_work_loop")
    }


def test_a_thousand_changes_are_few_drawings(counter):
    """And the last one is drawn: nothing that happened is missing from the screen."""
    for _ in range(1000):
        counter.render_soon()
    until(lambda: counter.drawn, SECONDS, "it is drawn")
    before = counter.drawn
    counter.render_soon()
    until(lambda: counter.drawn > before, SECONDS, "the last change is drawn")
    assert counter.drawn < 20


def test_it_is_drawn_again_by_the_clock():
    """Ages grow although nothing happens."""
    with Counter(every=0.05) as made:
        made.render_soon()
        until(lambda: made.drawn > 2, SECONDS, "it is drawn three times")


def test_whoever_waits_for_a_state_gets_it(counter):
    """Events come from any thread; the end of the view ends every wait."""
    threading.Timer(0.05, counter.handle, ["one"]).start()
    assert counter.wait_until(lambda state: "one" in state, SECONDS)
    assert counter.state == ("one",)
    threading.Timer(0.05, counter.stop).start()
    assert not counter.wait_until(lambda state: "two" in state, SECONDS)


def test_jobs_run_one_after_the_other(counter):
    """The kernel is free meanwhile, and no answer overtakes another."""
    seen, gate = [], threading.Event()
    counter.work(lambda: (gate.wait(SECONDS), seen.append("first")))
    counter.work(lambda: seen.append("second"))
    assert seen == []
    gate.set()
    until(lambda: len(seen) == 2, SECONDS, "both ran")
    assert seen == ["first", "second"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.NotConnected(), "connect()"),
        (ZeroDivisionError("by nought"), "failed: ZeroDivisionError: by nought"),
    ],
)
def test_what_goes_wrong_is_said_and_the_next_job_runs(counter, error, said):
    """The view says a thread's error, whose traceback would not be read."""

    def fail():
        raise error

    counter.work(fail)
    until(lambda: said in counter.status, SECONDS, "it is said")
    assert 'role="status"' in counter._line.value
    counter.work(lambda: counter.report("well again"))
    until(lambda: counter.status == "well again", SECONDS, "the next job runs")


def test_stop_ends_threads_and_locks_the_controls():
    """The screen stays as it is; a second `stop` does nothing."""
    before = threads()
    made = Counter()
    made.render_soon()
    made.work(lambda: made.report("busy"))
    until(lambda: made.drawn and made.status, SECONDS, "both threads work")
    made.stop()
    made.stop()
    assert threads() <= before
    assert (made.ended, made.stopped) == (1, True)
    assert made.control.disabled and made.status == "Stopped. busy"
    made.render_soon()
    made.work(lambda: made.report("no more"))
    assert threads() <= before and made.status == "Stopped. busy"
    made.close()
    assert made.number.comm is None


def test_what_fails_at_the_end_keeps_no_thread(monkeypatch):
    """A failed end is an error of the cell; all threads have ended all the same."""
    before, made = threads(), Counter()
    made.render_soon()
    until(lambda: made.drawn, SECONDS, "it is drawn")

    def fail():
        raise FileNotFoundError("the directory is gone")

    monkeypatch.setattr(made, "on_stop", fail)
    with pytest.raises(FileNotFoundError):
        made.close()
    assert threads() <= before
    assert (made.stopped, made.number.comm) == (True, None)
    assert made.control.disabled and made.status.startswith("Stopped.")


def test_it_does_not_wait_for_a_job_that_hangs(monkeypatch):
    """The kernel is free again soon, and what ends late has nothing to say."""
    monkeypatch.setattr(views, "STOP", 0.5)
    made = Counter()
    begun, gate, done = (threading.Event() for _ in range(3))

    def hang():
        begun.set()
        gate.wait(scaled(SECONDS))
        made.report("late")
        done.set()

    made.work(hang)
    assert begun.wait(SECONDS)
    began = time.monotonic()
    made.stop()
    assert time.monotonic() - began < scaled(1.0)
    gate.set()
    assert done.wait(SECONDS) and made.status == "Stopped. "
    made.close()


def test_two_at_once_begin_one_thread(counter, monkeypatch):
    """Two threads of a view would draw over each other, and jobs overtake."""
    before, both = threads(), threading.Barrier(2)
    hands = [threading.Thread(target=counter.render_soon) for _ in range(2)]
    make = threading.Thread.__init__

    def meet(thread, **options):
        # Wait here for a second caller that would make the thread, too.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1.0)
        make(thread, **options)

    monkeypatch.setattr(threading.Thread, "__init__", meet)
    [hand.start() for hand in hands]
    [hand.join(SECONDS) for hand in hands]
    assert len(threads() - before) == 1


def test_the_button_stops(counter):
    """A person has the same end as a program."""
    [button] = [c for c in counter.children if isinstance(c, ipywidgets.Button)]
    button.click()
    assert counter.stopped
    # A disabled button would lose the focus of the keyboard that pressed it.
    assert (button.disabled, button.description) == (False, "Stopped")
    # ipywidgets 7 takes no None.
    assert button.tooltip == ""
    button.click()
    assert counter.status == "Stopped. "


def test_it_has_a_form_for_text_and_one_for_pages_without_widgets(counter):
    """nbval, GitHub and print see the same facts; HTML is escaped."""
    shown = counter._repr_mimebundle_()
    assert shown["text/plain"] == repr(counter) == "drawn <0>"
    note = "<p>Run this cell to use its controls.</p>"
    assert shown["text/html"] == f"<pre>drawn &lt;0&gt;</pre>{note}"
    assert "application/vnd.jupyter.widget-view+json" in shown


def test_running_a_cell_again_closes_what_it_had_opened(monkeypatch):
    """Two views of one execution live side by side; another cell's is not touched."""
    here = ["cell", "1"]
    monkeypatch.setattr(views, "_cell_ids", lambda: tuple(here))
    first, beside = Counter(), Counter()
    here[:] = ["other", "2"]
    other = Counter()
    assert not (first.stopped or beside.stopped)
    here[:] = ["cell", "3"]
    again = Counter()
    assert first.stopped and beside.stopped
    assert not (other.stopped or again.stopped)
    other.close()
    again.close()
