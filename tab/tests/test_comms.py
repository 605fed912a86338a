"""Widgets of the tab's Python talk with a page as with JupyterLab's, in Python here."""

import subprocess
import sys

import pytest

#: a kernel in a process of its own, whose page is `sent`; `tell` is a message of a view
BEGIN = """
import json, sys, threading
from tab.python.kernel import Kernel
_outputs, sent, _shown = [], [], []
kernel = Kernel(_outputs.append, sys.argv[1])

def run(source):
    _outputs.clear()
    passed = kernel.run(source, [], "cell")
    return passed, [json.loads(output) for output in _outputs]

def listen():
    kernel.listen(lambda text: sent.append(json.loads(text)))

def tell(widget_id, data, kind="comm_msg"):
    _shown.clear()
    message = {"type": kind, "comm_id": widget_id, "data": data, "buffers": []}
    kernel.receive(json.dumps(message), _shown.append)
    return [json.loads(output) for output in _shown]

def set_value(widget_id, **state):
    return tell(widget_id, {"method": "update", "state": state, "buffer_paths": []})

def click(widget_id):
    return tell(widget_id, {"method": "custom", "content": {"event": "click"}})

def view_of(source):
    [output] = run(source)[1]
    return output["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]

def opened():
    return {m["comm_id"]: m["data"]["state"] for m in sent if m["type"] == "comm_open"}

def value_of(source):
    return run(source)[1][0]["data"]["text/plain"]

run("import ipywidgets as widgets")
"""


@pytest.fixture
def check(tmp_path):
    """Return a function that runs code after the beginning above."""

    def check(code: str) -> None:
        words = [sys.executable, "-c", BEGIN + code, str(tmp_path / "lesson")]
        environment = {"JUPYTER_WIDGETS_ECHO": "0"}
        done = subprocess.run(words, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr + done.stdout

    return check


def test_a_page_that_listens_gets_what_is_there_and_what_changes(check):
    check("""
slider = view_of("slider = widgets.IntSlider(value=3); slider")
assert not sent
listen()
state = opened()[slider]
assert state["value"] == 3 and state["_view_name"] == "IntSliderView"
assert state["layout"].removeprefix("IPY_MODEL_") in opened()
assert {m["metadata"]["version"] for m in sent} == {"2.1.0"}
run("slider.value = 5")
assert sent[-1]["data"]["state"] == {"value": 5}
run("slider.close()")
assert sent[-1] == {**sent[-1], "type": "comm_close", "comm_id": slider}
""")


def test_a_view_sets_a_value_and_a_cell_knows(check):
    check("""
slider = view_of("slider = widgets.IntSlider(); slider")
listen()
run("slider.observe(lambda change: print('now', change.new), 'value')")
assert "".join(shown["text"] for shown in set_value(slider, value=7)) == "now 7\\n"
assert value_of("slider.value") == "7"
# The page does not get its own value back.
assert not [m for m in sent if m["data"].get("state") == {"value": 7}]
""")


def test_an_error_of_a_callback_is_shown_and_the_next_message_goes_on(check):
    check("""
button = view_of("button = widgets.Button(); button")
run("button.on_click(lambda _: 1 / 0)")
[error] = click(button)
assert error["ename"] == "ZeroDivisionError"
run("button.on_click(lambda _: print('clicked'))")
error, *printed = click(button)
assert "".join(output["text"] for output in printed) == "clicked\\n"
# A stop of the reader's ends only the callback.
run("def stop(_): raise KeyboardInterrupt")
run("button.on_click(stop)")
assert click(button)[-1]["ename"] == "KeyboardInterrupt"
assert click("nobody") == []
""")


def test_interact_shows_its_results_in_its_own_output(check):
    check("""
listen()
passed, outputs = run("widgets.interact(lambda x: print('x is', x) or x, x=(0, 9, 1));")
assert passed, outputs
[slider] = [i for i, s in opened().items() if s["_model_name"] == "IntSliderModel"]
[area] = [i for i, s in opened().items() if s["_model_name"] == "OutputModel"]
shown = lambda: [m["data"]["state"]["outputs"] for m in sent
    if m["comm_id"] == area and "outputs" in m["data"].get("state", {})][-1]
assert not set_value(slider, value=8)
stream, value = shown()
assert stream["text"] == "x is 8\\n" and value["data"]["text/plain"] == "8"
set_value(slider, value=9)
assert shown()[0]["text"] == "x is 9\\n"
""")


def test_two_threads_show_in_their_own_places(check):
    check("""
area = view_of("area = widgets.Output(); area")
button = view_of("button = widgets.Button(); button")
run("button.on_click(lambda _: print('of the click'))")
passed, outputs = run('''
import threading
with area:
    print("inside")
    other = threading.Thread(target=lambda: print("of a thread"))
    other.start()
    other.join()
    1 / 0
print("outside")
''')
text = "".join(output["text"] for output in outputs)
assert passed and text == "of a thread\\noutside\\n", outputs
assert value_of("[part.get('text') or part['ename'] for part in area.outputs]") == (
    "['inside\\\\n', 'ZeroDivisionError']")
run("with area: print('more\\\\n' * 20_000)")
assert int(value_of("len(area.outputs[-1]['text'])")) == 50_000
run("area.clear_output()")
assert value_of("area.outputs") == "()"
""")


def test_the_end_of_a_lesson_closes_its_widgets(check):
    check("""
import threading
run('''
from helpers.views.widgets.view import View
class Clock(View):
    def reduce(self, state, event): return state
    def render(self, state): pass
    def text(self): return "a clock"
''')
before = threading.active_count()
clock = view_of("clock = Clock('a clock', every=0.1); clock.render_soon(); clock")
listen()
assert clock in opened()
kernel.end()
assert threading.active_count() == before
import ipywidgets
assert ipywidgets.Widget.widgets == {} or not ipywidgets.widgets.widget._instances
count = len(sent)
run("widgets.IntSlider()")
assert len(sent) == count
""")


def test_a_cell_that_runs_again_closes_its_former_view(check):
    check("""
run('''
from helpers.views.widgets.view import View
class Note(View):
    def text(self): return "a note"
''')
first = view_of("Note('a note')")
listen()
assert view_of("Note('a note')") != first
assert first in [m["comm_id"] for m in sent if m["type"] == "comm_close"]
""")
