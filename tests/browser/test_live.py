"""Views update in place, and a person's scroll, focus and selection survive."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.full("views by hand")

CELLS = {
    "make": """
from helpers.views.widgets import markup
from helpers.views.widgets.live import Live
def show(rows, tree, key, said):
    table = markup.table(["NAME", "AGE"], rows, caption="Rows")
    scrolled = markup.scroll_region(table + markup.tree(tree), "Things", key=key)
    return markup.STYLE + markup.block(markup.status(said) + scrolled)
rows = [[f"row-{n}", 1] for n in range(60)]
tree = {"spec": {"a": {"b": {"c": 1}}}, "status": {"d": {"e": 2}}}
""",
    "view": "view = Live(show(rows, tree, 'one', 'first'))\nview",
}
#: The elements that must last, marked on the page itself.
MARK = """() => {
    const root = document.querySelector('[data-cell-id=view] .jp-OutputArea');
    const parts = ['[role=status]', '[role=region]', 'table', 'details'];
    for (const part of parts) root.querySelector(part).lasting = true;
    root.querySelector('[role=region]').scrollTop = 400;
    root.querySelector('[role=region]').focus();
    const name = root.querySelector('tbody tr:last-child th').firstChild;
    getSelection().setBaseAndExtent(name, 0, name, name.length);
}"""
LOOK = """() => {
    const root = document.querySelector('[data-cell-id=view] .jp-OutputArea');
    const region = root.querySelector('[role=region]');
    const open = [...root.querySelectorAll('details')].map(d => d.open);
    return {
        lasting: [...root.querySelectorAll('*')].filter(e => e.lasting).length,
        focused: document.activeElement === region,
        selected: getSelection().toString(),
        // How far below the region's upper edge that is: what a person looks at.
        at: getSelection().getRangeAt(0).getBoundingClientRect().top
            - region.getBoundingClientRect().top,
        scrolled: region.scrollTop > 0,
        open,
    };
}"""


@pytest.fixture
def notebook(lab, open_notebook):
    lab.write("live", CELLS)
    opened = open_notebook("live")
    opened.run("make", "view")
    expect(opened.output("view").get_by_role("status")).to_have_text("first")
    return opened


def test_what_is_a_persons_stays(notebook):
    """Focus, scroll position, selection, what is folded; the elements last."""
    view = notebook.output("view")
    status = view.get_by_role("status")
    expect(status).to_have_text("first")
    # The first two levels of the tree are open; a person opens one more and folds one.
    for clicked in ("a {1}", "status {1}"):
        view.locator("summary", has_text=clicked).click()
    notebook.page.evaluate(MARK)
    before = notebook.page.evaluate(LOOK)
    assert before["lasting"] == 4 and before["focused"] and before["scrolled"]
    assert before["selected"] == "row-59"

    # A row more on top, another age, another value in the tree, another sentence.
    notebook.execute(
        "rows = [['new', 0], *[[name, 2] for name, _ in rows]]\n"
        "tree['spec']['a']['b']['c'] = 3\n"
        "view.value = show(rows, tree, 'one', 'second')"
    )
    expect(status).to_have_text("second")
    expect(view.get_by_role("row")).to_have_count(62)
    expect(view.locator(".lab-leaf", has_text="c: 3")).to_have_count(1)
    # But for a line's rounding.
    at = pytest.approx(before["at"], abs=2)
    assert notebook.page.evaluate(LOOK) == before | {"at": at}


def test_rows_come_and_go_and_are_told_apart_by_their_headers(notebook):
    """A person's selection stays on its row, wherever that moves, and however old."""
    view = notebook.output("view")
    notebook.page.evaluate(MARK.replace("tr:last-child", "tr:nth-child(30)"))
    code = "kept = [[name, 9] for name, _ in rows if name not in ('row-3', 'row-4')]\n"
    code += "kept = [kept[40], *kept[:40], *kept[41:]]\n"
    notebook.execute(code + "view.value = show(kept, tree, 'one', 'second')")
    expect(view.get_by_role("status")).to_have_text("second")
    names = view.locator("tbody th").all_inner_texts()
    shown = [f"row-{n}" for n in range(60) if n not in (3, 4)]
    assert names == [shown[40], *shown[:40], *shown[41:]]
    assert set(view.locator("tbody td").all_inner_texts()) == {"9"}
    assert notebook.page.evaluate(LOOK)["selected"] == "row-29"


def test_something_else_begins_at_its_top(notebook):
    """With another key it is another thing; the region and the focus in it last."""
    notebook.page.evaluate(MARK)
    notebook.execute("view.value = show(rows[:50], tree, 'other', 'second')")
    view = notebook.output("view")
    expect(view.get_by_role("status")).to_have_text("second")
    after = notebook.page.evaluate(LOOK)
    assert (after["lasting"], after["focused"], after["scrolled"]) == (2, True, False)


def test_a_page_that_others_have_changed(notebook):
    """A search marks words in it: what comes next is right nevertheless."""
    view = notebook.output("view")
    notebook.page.evaluate(
        """() => {
            const row = document.querySelector('[data-cell-id=view] tbody th');
            row.innerHTML = '<mark>row</mark>-0';
        }"""
    )
    notebook.execute("view.value = show([['other', 5]], {}, 'one', 'second')")
    expect(view.get_by_role("row")).to_have_count(2)
    expect(view.get_by_role("row").last).to_have_text("other5")
    expect(view.locator("mark")).to_have_count(0)
    assert notebook.console_errors() == []
