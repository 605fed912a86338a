"""Visit the nine core lessons in one tab, run all cells of each, and print the figures.

The site is served as it is; the first page gets one script more, which does the visit
and reports each lesson: the seconds until it is ready, those of its cells, and the
memory of the browser's largest process, which has the page and its cluster. No exercise
is solved; the cells below one run all the same. `make site` makes SITE.

Usage: `python benchmarks/visit.py [SITE] [--browser firefox-esr]`
"""

import argparse
import http.server
import json
import queue
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from pathlib import Path

import psutil
from parts import figures

from helpers.course import lessons

ROOT = Path(__file__).parents[1]
#: seconds until a lesson and its cells are done, on a busy machine
LIMIT = 900
#: settings of Firefox: a closed port is its proxy
PROXY = (("type", 1), ("http", '"127.0.0.1"'), ("http_port", 9))
PROXY += (("ssl", '"127.0.0.1"'), ("ssl_port", 9))
SCRIPT = """
const until = (isSo) => new Promise((done) => {
  const look = () => isSo() ? done() : setTimeout(look, 50);
  look();
});
const isReady = () => document.body.dataset.run === "ready";
const seconds = async (work) => {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
};
const states = () => [...document.querySelectorAll(".run-controls [role=status]")];
const isBusy = () => count(/^(Running|Waits)/) > 0;
const count = (begin) =>
  states().filter(({ textContent }) => begin.test(textContent)).length;
const report = (facts) =>
  fetch("/visit", { method: "POST", body: JSON.stringify(facts) });
const run = async () => {
  const buttons = [...document.querySelectorAll(".run-controls button")];
  buttons.find(({ textContent }) => textContent === "Run all below").click();
  await until(() => !isBusy());
};
(async () => {
  await until(() => document.body.dataset.run === "able");
  for (const [number, name] of NAMES.entries()) {
    const ready = await seconds(async () => {
      const link = `.bd-docs-nav a[href$="${name}.html"]`;
      document.querySelector(number ? link : "#run-start").click();
      await until(() => location.pathname.includes(name) && isReady()
        && document.querySelector(".lesson a[download]").href.includes(name));
    });
    const cells = await seconds(run);
    await report({ name, ready, cells, ran: count(/^Ran in/), all: states().length });
  }
})().catch(({ stack }) => report({ fault: stack }));
"""


class Server(http.server.SimpleHTTPRequestHandler):
    """A web server of a site, whose first page has the script."""

    first = ""
    script = ""
    reports: queue.Queue = queue.Queue()

    def do_GET(self) -> None:
        """Send a file, the script, or the first page with it."""
        if self.path == "/visit.js":
            self._send(self.script.encode(), "text/javascript")
        elif self.path == self.first:
            page = Path(self.translate_path(self.path)).read_text("utf-8")
            script = '<script type="module" src="/visit.js"></script></body>'
            self._send(page.replace("</body>", script).encode(), "text/html")
        else:
            super().do_GET()

    def do_POST(self) -> None:
        """Take a report."""
        length = int(self.headers["Content-Length"])
        self.reports.put(json.loads(self.rfile.read(length)))
        self._send(b"", "text/plain")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def launch(browser: str, profile: str, address: str) -> subprocess.Popen:
    """Open an address in a browser without a window, which reaches no other host."""
    options = ["--headless=new", "--no-sandbox", "--no-first-run"]
    options += [f"--user-data-dir={profile}", "--window-size=1280,800"]
    options += ["--proxy-server=127.0.0.1:9", "--proxy-bypass-list=127.0.0.1"]
    if "firefox" in browser:
        options = ["--headless", "--no-remote", "--profile", profile]
        lines = (
            f'user_pref("network.proxy.{name}", {value});\n' for name, value in PROXY
        )
        (Path(profile) / "user.js").write_text("".join(lines))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([browser, *options, address], **quiet)


def megabytes(process: psutil.Process) -> float:
    """Return the memory of the largest process of a browser."""
    sizes = [0]
    for child in process.children(recursive=True):
        try:
            sizes.append(child.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes) / 1e6


def visit(site: Path, browser: str) -> list[list[str]]:
    """Return a row for each lesson."""
    names = [lesson.name for lesson in lessons() if lesson.number < "09"]
    Server.first = f"/notebooks/{names[0]}.html"
    Server.script = SCRIPT.replace("NAMES", json.dumps(names))
    rows = []
    handler = partial(Server, directory=site)
    with (
        tempfile.TemporaryDirectory(
            prefix="visit-", ignore_cleanup_errors=True
        ) as place,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}{Server.first}"
        process = launch(browser, place, address)
        try:
            for name in names:
                figures.say(name)
                facts = Server.reports.get(timeout=LIMIT)
                if "fault" in facts:
                    raise SystemExit(facts["fault"])
                size = megabytes(psutil.Process(process.pid))
                cells = f"{facts['ran']}/{facts['all']}"
                seconds = [f"{facts[word]:.1f}" for word in ("ready", "cells")]
                rows.append([facts["name"], *seconds, cells, f"{size:.0f}"])
        finally:
            server.shutdown()
            for child in psutil.Process(process.pid).children(recursive=True):
                child.terminate()
            process.terminate()
            process.wait()
    return rows


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", nargs="?", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--browser", default="chromium")
    options = parser.parse_args()
    if not (browser := shutil.which(options.browser)):
        raise SystemExit(f"{options.browser} is not here.")
    figures.begin(f"A visit of the core lessons in {options.browser}")
    head = ["lesson", "Ready, s", "all cells, s", "cells that ran", "memory, MB"]
    print(figures.markdown(head, visit(options.site, browser)))


if __name__ == "__main__":
    main()
