"""A site at an address, and its pages in windows that keep nothing."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from cluster.tests.slowness import scaled


@contextmanager
def serving(
    directory: Path, handler: type[SimpleHTTPRequestHandler] = SimpleHTTPRequestHandler
) -> Iterator[str]:
    """Serve a directory; yield the address."""
    handle = functools.partial(handler, directory=directory)
    with ThreadingHTTPServer(("127.0.0.1", 0), handle) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def send_script(handler: SimpleHTTPRequestHandler, text: str) -> None:
    """Answer a request with a script of a test's own."""
    script = text.encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "text/javascript")
    handler.send_header("Content-Length", str(len(script)))
    handler.end_headers()
    handler.wfile.write(script)


@contextmanager
def opening(
    browser: Browser, address: str, *, errors: bool = False, **usual
) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens a page: a path of the site, or a whole URL.

    A cookie and a request to another host fail the test, and so do the console's errors
    unless `errors` are expected. `usual` are options of each window.
    """
    requests: list[str] = []
    shown: list[str] = []
    contexts = []

    def note_error(message: ConsoleMessage) -> None:
        if message.type == "error":
            shown.append(message.text)

    def open_one(path: str, **options) -> Page:
        contexts.append(browser.new_context(**usual | options))
        page = contexts[-1].new_page()
        # A page shares the machine with other workers' clusters.
        page.set_default_navigation_timeout(scaled(30_000))
        page.on("request", lambda request: requests.append(request.url))
        if not errors:
            page.on("console", note_error)
        page.goto(path if ":" in path else f"{address}/{path}")
        return page

    yield open_one
    for context in contexts:
        assert context.cookies() == []
        context.close()
    own = (f"{address}/", f"blob:{address}/", "data:", "file:")
    assert [url for url in requests if not url.startswith(own)] == []
    assert shown == []
