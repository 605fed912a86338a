"""The journey of a request, as a person sends it and reads where it stops."""

import pytest
from playwright.sync_api import expect

from helpers.views.widgets import markup

LESSON = "test-journey-view"
CELLS = {
    "prepare": """
quick = '--overrides={"spec": {"terminationGracePeriodSeconds": 1}}'
kubectl("run", "app", "--image=toolbox:1", quick, "--", "sleep", "infinity")
wait_for("condition=Ready", "pod/app")
""",
    "view": "view = widgets.request_journey('app', '/apis')\nview",
    "text": "print(view)",
}
#: seven boxes, each with whether it ends its row, and its arrow as it is drawn
ARROWS = """boxes => boxes.map((box, at) => [
    at + 1 < boxes.length && boxes[at + 1].offsetTop > box.offsetTop,
    getComputedStyle(box, '::after').content.split('"')[1] ?? '',
])"""


@pytest.mark.parametrize(("width", "turn"), [(900, "↵"), (600, "↵"), (360, "↓")])
def test_no_arrow_points_where_no_step_is(window, width, turn):
    """At the end of a row it turns to the next one, and the last box has none."""
    boxes = "".join(f"<li>{number}</li>" for number in range(7))
    steps = f'<div class="lab-steps"><ol class="lab-journey">{boxes}</ol></div>'
    page = window.new_page()
    page.set_viewport_size({"width": width, "height": 600})
    page.set_content(markup.STYLE + markup.block(steps))
    found = page.locator(".lab-journey > li").evaluate_all(ARROWS)
    page.close()
    assert [arrow for ends, arrow in found if ends] and found[-1][1] == ""
    assert {arrow for ends, arrow in found if ends} == {turn}
    assert {arrow for ends, arrow in found[:-1] if not ends} <= {"→"}


@pytest.mark.full("views by hand")
@pytest.mark.parametrize("notebook", [(LESSON, CELLS)], ids=[LESSON], indirect=True)
def test_a_request_goes_where_it_goes(notebook):
    """Mouse and keyboard, refused and broken requests, both themes."""
    view = notebook.output("view")
    status, keyboard = view.get_by_role("status"), notebook.page.keyboard
    steps = view.get_by_role("list").get_by_role("listitem")
    expect(steps).to_have_count(7)
    expect(steps.nth(4)).to_contain_text("system:discovery")
    expect(status).to_contain_text("The response: 200 OK, APIGroupList")

    # By mouse: a path that is refused; its fix is among the facts that are open.
    view.get_by_label("Try:").select_option("/")
    expect(view.get_by_label("Path:")).to_have_value("/")
    view.get_by_role("button", name="Send").click()
    expect(status).to_contain_text("It stopped at authorization")
    expect(steps.nth(4)).to_contain_text("✗ stopped here")
    expect(steps.nth(5)).to_contain_text("not reached")
    expect(steps.nth(6)).to_contain_text("↩ sent back")
    expect(view.locator("details[open]")).to_contain_text("kind: ClusterRole")

    # By keyboard: a typed path that cannot be sent, and then one that can.
    view.get_by_label("Path:").focus()
    keyboard.press("ControlOrMeta+a")
    keyboard.type("apis")
    keyboard.press("Tab")
    expect(view.get_by_label("Break:")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(status).to_contain_text("does not begin with a slash")
    view.get_by_label("Path:").fill("/version")
    view.get_by_label("Break:").select_option("the token: send the file namespace")
    view.get_by_role("button", name="Send").focus()
    keyboard.press("Enter")
    expect(status).to_contain_text("It stopped at authentication: 401 Unauthorized")
    expect(steps.nth(4)).to_contain_text("not reached")
    # The facts of a step open by keyboard as well.
    summary = view.locator("summary", has_text="1. name")
    summary.focus()
    keyboard.press("Enter")
    expect(view.locator("details[open]").first).to_contain_text("search domains")

    view.get_by_label("Break:").select_option("nothing")
    view.get_by_role("button", name="Send").click()
    expect(status).to_contain_text("The response: 200 OK")

    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert notebook.violations("view") == []
    notebook.run("text")
    assert "response: GET /version" in notebook.text("text")
    view.get_by_role("button", name="Stop this view").click()
    expect(status).to_contain_text("Stopped.")
    expect(view.get_by_role("button", name="Send")).to_be_disabled()
    assert notebook.errors() == []
    assert notebook.console_errors() == []
