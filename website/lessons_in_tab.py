"""Run lessons in a browser's tab, cell by cell, and say which cells pass.

`python -m website.lessons_in_tab 02 05` prints a table; without numbers it runs all
that a tab can. As in `tools.chapter`, solutions replace the stubs, and each check must
refuse its stub first.
"""

import argparse
import http.server
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

from cluster import errors
from helpers.course import Lesson, lessons
from helpers.course.exercise import has_tag, tags_of, with_solutions
from helpers.needs import lack_of_tab
from tab import build, pack
from tools import chapter, course, proofs
from website import tryit

#: where a lesson's code runs, below the learner's home
HOME = "/root/notebooks"
#: milliseconds for the start, and for a cell
START, CELL = 900_000, 600_000
#: a page that does nothing but call the Worker, as the site's pages do
PAGE = """<!doctype html><meta charset="utf-8"><title>lessons</title>
<script type="module">
import {{ Connection }} from "./_static/{folder}/start/connection.js";
const address = "_static/{folder}/python/worker.js";
const worker = new Worker(address, {{ type: "module" }});
const connection = new Connection(worker);
worker.onerror = ({{ message }}) => {{ globalThis.ended = message ?? "worker.js"; }};
globalThis.steps = [];
globalThis.call = async (name, ...values) => {{
  const outputs = [];
  const report = (...words) =>
    void (name === "run" ? outputs.push(...words) : steps.push(words));
  const running = connection.call(name, values, report);
  globalThis.stop = running.cancel;
  return {{ result: await running.result, outputs }};
}};
</script>"""
CALL = """([name, ...values]) => {
  let timer;
  const end = new Promise((_, fail) => {
    timer = setInterval(() => globalThis.ended && fail(new Error(ended)), 500);
  });
  return Promise.race([call(name, ...values), end]).finally(() => clearInterval(timer));
}"""


class Tab:
    """A tab with a cluster and Python."""

    def __init__(self, window: Page) -> None:
        self._window = window

    def call(self, name: str, *values: object, limit: int = CELL) -> dict:
        """Call a function of the Worker; return its result and its outputs."""
        self._window.set_default_timeout(limit)
        return self._window.evaluate(CALL, [name, *values])

    def stop_soon(self, milliseconds: int) -> None:
        """Stop the cell that runs then, as its reader does."""
        self._window.evaluate(f"void setTimeout(() => stop(), {milliseconds})")

    def steps(self) -> list:
        """Return what the start has reported."""
        return self._window.evaluate("steps")

    def run_cell(self, cell: Any) -> None:
        """Run a cell, and give it its outputs."""
        answer = self.call("run", cell["source"], tags_of(cell))
        cell["outputs"] = [*combine(answer["outputs"])]

    def run_lesson(self, notebook: Any, lesson: Lesson) -> list[dict]:
        """Run all code cells; return a row for each: id, error or "", seconds."""
        folder = f"{HOME}/deeper" if "/" in str(lesson.path) else HOME
        self.call("open", folder)
        rows = []
        for cell in notebook.cells:
            if cell["cell_type"] != "code":
                continue
            begin = time.monotonic()
            self.run_cell(cell)
            seconds = round(time.monotonic() - begin, 2)
            rows.append({"id": cell["id"], "error": fault(cell), "seconds": seconds})
        return rows


def combine(outputs: Iterator[dict]) -> Iterator[dict]:
    """Yield outputs as a notebook keeps them: pieces of a stream are one."""
    kept: list[dict] = []
    for output in outputs:
        kind, last = output["output_type"], kept[-1] if kept else {}
        if kind == "clear_output":
            kept.clear()
        elif kind == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
        elif kind == "update_display_data":
            for shown in kept:
                if shown.get("transient") == output["transient"]:
                    shown["data"] = output["data"]
        else:
            kept.append(output)
    for output in kept:
        output.pop("transient", None)
        yield output


def fault(cell: dict) -> str:
    """Return the error of a cell that was not to raise one, or ""."""
    raised = [out for out in cell["outputs"] if out["output_type"] == "error"]
    if not raised or has_tag(cell, "raises-exception"):
        return ""
    return f"{raised[0]['ename']}: {raised[0]['evalue']}"


def read(lesson: Lesson) -> Any:
    """Return the cells of a lesson that run in a tab, solved, with proofs of checks."""
    original = nbformat.read(chapter.NOTEBOOKS / lesson.path, as_version=4)
    notebook = with_solutions(original)
    proven = proofs.with_proofs(original.cells, notebook.cells)
    notebook.cells = [cell for cell in proven if not lack_of_tab(tags_of(cell))]
    return notebook


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve a page with a Worker; yield its address."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name)
        pack.ensure()
        tryit.copy(target)
        (target / "index.html").write_text(PAGE.format(folder=tryit.folder()))
        handler = partial(_Handler, directory=name)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


@contextmanager
def start_tab(browser: Browser) -> Iterator[Tab]:
    """Start a cluster and Python in a tab."""
    with serving() as address:
        window = browser.new_page()
        window.goto(address)
        tab = Tab(window)
        tab.call("start", limit=START)
        yield tab
        window.close()


def main(words: list[str]) -> int:
    """Run the lessons of some numbers, and print what passes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "numbers", nargs="*", help="of lessons, by default all that a tab can run"
    )
    numbers = parser.parse_args(words).numbers
    if not build.ensure():
        return 1
    program = shutil.which("chromium") or shutil.which("google-chrome")
    code = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        begin = time.monotonic()
        with start_tab(browser) as tab:
            print(f"ready after {time.monotonic() - begin:.1f} s", flush=True)
            for lesson in lessons():
                if lesson.number in (numbers or course.numbers_in_tab().split(", ")):
                    code |= not _print_rows(lesson, tab)
        browser.close()
    return code


def _print_rows(lesson: Lesson, tab: Tab) -> bool:
    notebook = read(lesson)
    rows = tab.run_lesson(notebook, lesson)
    failed = [row for row in rows if row["error"]]
    seconds = sum(row["seconds"] for row in rows)
    passed = len(rows) - len(failed)
    print(f"| {lesson.number} | {passed}/{len(rows)} | {seconds:.1f} s |", flush=True)
    for row in failed:
        print(f"|   {row['id']} | {row['error'][:200]} |", flush=True)
    faults = [*proofs.proof_faults(notebook.cells)]
    for line in faults:
        print(f"|   {line} |", flush=True)
    return not failed and not faults


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except errors.LabError as error:
        sys.exit(str(error))
