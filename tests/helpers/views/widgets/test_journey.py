"""A page without widgets keeps the journey of a request, as boxes with their facts."""

import re
from dataclasses import replace

import pytest

from helpers import errors, widgets
from helpers.views.journey.steps import PASSED, STEPS, STOPPED, Journey, Request, Step

ANSWERS = {"name": ("Yes: `<10.96.0.1>`.", PASSED), "address": ("Nobody.", STOPPED)}


@pytest.fixture
def show(monkeypatch):
    """Return a function that opens the view of a journey, or of an error."""
    module = "helpers.views.widgets.journey"
    monkeypatch.setattr(f"{module}.current_namespace", lambda: "blue")

    def show(result: Journey | errors.LabError) -> dict:
        def follow(*_: object, **__: object) -> Journey:
            if isinstance(result, Journey):
                return result
            raise result

        monkeypatch.setattr(f"{module}.follow_request", follow)
        with widgets.request_journey("app", "/apis") as view:
            assert view.wait_until(lambda state: not state.sending, 60)
            return view._repr_mimebundle_()

    return show


def journey() -> Journey:
    steps = [Step(name, "asked?", command="kubectl exec <app>") for name in STEPS]
    for at, (answer, state) in enumerate(ANSWERS.values()):
        steps[at] = replace(steps[at], answer=answer, state=state)
    return Journey(Request("app", "/apis"), tuple(steps))


def test_a_page_without_widgets_has_the_boxes_and_their_facts(show):
    """In their own style, without a control, and with what the text says, too."""
    bundle = show(journey())
    html = bundle["text/html"]
    assert html.count("<li class=") == len(STEPS) and "<style>" in html
    assert '<li class="lab-stopped"><p><strong>2. address</strong></p>' in html
    assert "It stopped at address: Nobody." in html
    assert html.count("<details") == len(STEPS) and html.count("<details open>") == 1
    assert "<code>&lt;10.96.0.1&gt;</code>" in html
    assert "kubectl exec &lt;app&gt;" in html
    assert not re.search("<(button|input|select|textarea)", html)
    assert "Nobody." in bundle["text/plain"]


def test_a_request_that_cannot_be_sent_is_a_text(show):
    html = show(errors.LabError("There is no pod <app>."))["text/html"]
    assert html.startswith("<pre>There is no pod &lt;app&gt;.")
