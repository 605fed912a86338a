"""A notebook open in JupyterLab: what a person does there, and what there is to see."""

import json
import re
from collections.abc import Sequence

from axe_playwright_python.sync_playwright import DEFAULT_OPTIONS, Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, TimeoutError, expect

from cluster.tests.slowness import scaled
from tests.browser.axe import GRAVE, OF_COLORS, Violation

#: Seconds for a click or a change on the page, and for what a view is to show.
ACTION = scaled(15.0)
#: Seconds for the page to come up, with a kernel.
OPEN = scaled(30.0)
#: Seconds for one cell.
CELL = scaled(45.0)

#: Milliseconds between two looks at the page.
POLLING = 50

#: What the status bar says of a kernel that waits, in English and in Korean.
IDLE = re.compile(r"\| (?:Idle|대기)")

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

_PANEL = "window.jupyterapp.shell.currentWidget"
_SHOWN = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    if (!panel?.content?.widgets?.length || !panel.context.isReady) return false;
    for (const cell of panel.content.widgets)
        cell.node.dataset.cellId = cell.model.id;
    return true;
}"""


class OpenNotebook:
    """A notebook in a page of its own.

    `page` is Playwright's, for what is not here. Cells go by the ids of the file.
    """

    def __init__(self, page: Page, url: str, name: str) -> None:
        self.page = page
        self.name = name
        self._url = url
        self._messages: list[str] = []
        page.set_default_timeout(ACTION * 1000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._messages.append(str(error)))

    def open(self, theme: str = "light") -> "OpenNotebook":
        """Open it, and wait until the kernel is idle: an earlier key is lost."""
        self.page.goto(self._url, timeout=OPEN * 1000)
        self._until(_SHOWN, OPEN)
        bar = self.page.locator("#jp-main-statusbar")
        expect(bar).to_contain_text(IDLE, timeout=OPEN * 1000)
        self.theme(theme)
        return self

    def theme(self, name: str) -> None:
        """Choose `light` or `dark`, as in the menu *Settings, Theme*."""
        self._command("apputils:change-theme", theme=THEMES[name])
        body = self.page.locator(f'body[data-jp-theme-name="{THEMES[name]}"]')
        expect(body).to_have_count(1, timeout=ACTION * 1000)

    def run(self, *cells: str, timeout: float = CELL) -> None:
        """Run these cells in this order, each with `timeout` seconds."""
        for cell in cells:
            self.select(cell)
            self._command("notebook:run-cell", timeout=timeout, what=f"cell {cell}")

    def run_all(self, timeout: float) -> None:
        """Choose *Run All Cells*, and wait until nothing runs any more."""
        self._command("notebook:run-all-cells", timeout=timeout, what="Run All")

    def execute(self, code: str) -> None:
        """Run code in the kernel, from no cell: on the page nothing moves for it."""
        status = self.page.evaluate(
            f"""async (code) => {{
                const kernel = {_PANEL}.sessionContext.session.kernel;
                const reply = await kernel.requestExecute({{code}}).done;
                return reply.content.status;
            }}""",
            code,
        )
        assert status == "ok", code

    def select(self, cell: str) -> Locator:
        """Make this the active cell, scrolled into view, and return it."""
        self.page.evaluate(
            f"""async (id) => {{
                const notebook = {_PANEL}.content;
                const index = notebook.widgets.findIndex(w => w.model.id === id);
                if (index < 0) throw new Error(`no cell ${{id}}`);
                notebook.deselectAll();
                notebook.activeCellIndex = index;
                await notebook.scrollToItem(index);
            }}""",
            cell,
        )
        return self.cell(cell)

    def press_shift_enter(self, cell: str, timeout: float = CELL) -> None:
        """Press Shift+Enter, which must run this cell, and wait until it has run."""
        assert self.active() == cell
        before = self.count(cell)
        self.page.keyboard.press("Shift+Enter")
        self._until(
            f"""([id, before]) => {{
                const cell = {_PANEL}.content.widgets.find(w => w.model.id === id);
                const count = cell.model.executionCount;
                return cell.model.type !== 'code'
                    || (count !== null && count !== before
                        && cell.model.executionState === 'idle');
            }}""",
            timeout,
            [cell, before],
            what=f"cell {cell}",
        )

    def type_into(self, cell: str, text: str) -> None:
        """Click into a cell, take out what is there, and type `text` key by key."""
        self.select(cell).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.press("Delete")
        for number, line in enumerate(text.splitlines()):
            if number:
                self.page.keyboard.press("Enter")
                # The editor has indented already; what is typed brings its own.
                self.page.keyboard.press("Shift+Home")
            self.page.keyboard.type(line)

    def active(self) -> str:
        return self.page.evaluate(f"() => {_PANEL}.content.activeCell.model.id")

    def cell(self, cell: str) -> Locator:
        return self.page.locator(f'[data-cell-id="{cell}"]')

    def output(self, cell: str) -> Locator:
        """Return what is below the cell: text, tables, widgets."""
        return self.cell(cell).locator(".jp-OutputArea").first

    def text(self, cell: str) -> str:
        """Return the text of the cell's output as a person reads it."""
        # A cell off the screen, or in a tab behind another, is not laid out.
        self.page.bring_to_front()
        self._show_all()
        return self.output(cell).inner_text()

    def count(self, cell: str) -> int | None:
        """Return the number in the cell's brackets, None if it did not run yet."""
        return self._cells()[cell].get("execution_count")

    def source(self, cell: str) -> str:
        return self._cells()[cell]["source"]

    def cells(self, tag: str | None = None) -> list[str]:
        """Return the ids of the code cells in order, or of those with `tag`."""
        return [
            name
            for name, cell in self._cells().items()
            if cell["cell_type"] == "code"
            and (tag is None or tag in cell["metadata"].get("tags", ()))
        ]

    def order(self) -> list[str]:
        """Return the ids of all cells, text too, from top to bottom."""
        return list(self._cells())

    def not_run(self) -> list[str]:
        cells = self._cells()
        return [name for name in self.cells() if not cells[name]["execution_count"]]

    def errors(self) -> list[str]:
        """Return each error output of a cell that must not raise, in one line."""
        return [
            f"{name}: {output['ename']}: {output['evalue']}"
            for name, cell in self._cells().items()
            if "raises-exception" not in cell["metadata"].get("tags", ())
            for output in cell.get("outputs", ())
            if output["output_type"] == "error"
        ]

    def console_errors(self) -> list[str]:
        return [*self._messages]

    def faults(self) -> list:
        """Return all errors, axe violations in both themes, and console messages."""
        found = self.errors() + self.violations()
        self.theme("dark")
        return found + self.violations(rules=OF_COLORS) + self.console_errors()

    def violations(self, *cells: str, rules: Sequence[str] = ()) -> list[Violation]:
        """Return what axe finds serious or critical in these cells, or in all.

        By all of its rules, or by these alone.
        What is in axe.FOREIGN_VIOLATIONS is left out.
        """
        self._show_all()
        places = [f'[data-cell-id="{cell}"]' for cell in cells] or [".jp-Notebook"]
        answer = Axe().run(
            self.page,
            context={"include": [[p] for p in places]},
            options=DEFAULT_OPTIONS | ({"runOnly": [*rules]} if rules else {}),
        )
        found = [
            Violation(self._around(node), rule["id"], rule["impact"], node["html"])
            for rule in answer.response["violations"]
            if rule["impact"] in GRAVE
            for node in rule["nodes"]
        ]
        return [violation for violation in found if not violation.foreign]

    def _cells(self) -> dict[str, dict]:
        # As the model has it, not the page: JupyterLab cuts long outputs there.
        text = self.page.evaluate(f"() => JSON.stringify({_PANEL}.content.model)")
        return {cell["id"]: cell for cell in json.loads(text)["cells"]}

    def _around(self, node: dict) -> str:
        """Return the id of the cell that holds an element which axe has found."""
        return self.page.evaluate(
            """selector => document.querySelector(selector)
                ?.closest('[data-cell-id]')?.dataset.cellId ?? ''""",
            node["target"][0],
        )

    def _show_all(self) -> None:
        # JupyterLab leaves out what is off the screen, and axe would not see it. Nor
        # does axe judge contrast in a body without height, whose overflow is hidden.
        self.page.evaluate(
            f"""() => {{
                document.body.style.height = "100vh";
                const notebook = {_PANEL}.content;
                const windowingMode = "none";
                notebook.notebookConfig = {{...notebook.notebookConfig, windowingMode}};
            }}"""
        )
        self._until(
            """() => [...document.querySelectorAll('[data-cell-id]')].every(
                cell => getComputedStyle(cell).contentVisibility === 'visible')""",
            ACTION,
        )

    def _command(
        self, name: str, *, timeout: float = ACTION, what: str = "", **arguments
    ) -> None:
        """Run a command of JupyterLab's menus and wait until all of it is done."""
        # A cell that must raise ends the command early, and empties the brackets of the
        # others, which run on. The kernel answers one after the other, so the answer to
        # a question asked then comes when all cells have run.
        self.page.evaluate(
            f"""([name, arguments]) => {{
                const kernel = {_PANEL}.sessionContext.session.kernel;
                const ask = () => kernel.requestKernelInfo();
                const end = () => {{ window.commandEnded = true; }};
                window.commandEnded = false;
                window.jupyterapp.commands.execute(name, arguments)
                    .then(ask, ask).then(end);
            }}""",
            [name, arguments],
        )
        self._until("() => window.commandEnded", timeout, what=what or name)

    def _until(
        self, condition: str, timeout: float, argument=None, what: str = "its page"
    ) -> None:
        # Not with each frame, which is the default: without a graphics card every frame
        # is work for the processor, which the cells need.
        try:
            self.page.wait_for_function(
                condition, arg=argument, timeout=timeout * 1000, polling=POLLING
            )
        except TimeoutError:
            message = f"{self.name}: {what} is not done after {timeout:g} s"
            raise AssertionError(message) from None

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._messages.append(f"{message.text} ({message.location.get('url', '')})")
