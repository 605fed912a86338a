"""A learner's browser reaches kubectl proxy by way of JupyterLab, on a hub as well."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FOREIGN_HOST, WINDOW
from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import OpenNotebook
from tests.test_hub import HUBS

pytestmark = pytest.mark.full("views by hand")

NAME = "doors"
CELLS = {
    "connect": "from helpers import KubectlProxy, connect\ncluster = connect()",
    "start": "proxy = KubectlProxy().start()\nproxy",
    "viewer": """
viewer = KubectlProxy(read_only=True, for_browser=True).start()
viewer.link("/api/v1/namespaces")
""",
    "clean-up": "viewer.stop()\nproxy.stop()",
}
WAY = ("connect", "start", "viewer")


@pytest.fixture(scope="module")
def hub(browser, cluster, tmp_path_factory):
    """Return a notebook as a hub serves it, by a foreign name, its proxies open."""
    lab = JupyterLab(tmp_path_factory.mktemp("hub"))
    context = browser.new_context(viewport=WINDOW)
    try:
        lab.start(
            f"--ServerApp.base_url={HUBS['binder']['JUPYTERHUB_SERVICE_PREFIX']}",
            # A hub's own login stands before this server; here it is the token.
            "--ServerApp.allow_remote_access=True",
            **HUBS["binder"],
        )
        lab.write(NAME, CELLS)
        url = lab.address(NAME, FOREIGN_HOST)
        notebook = OpenNotebook(context.new_page(), url, NAME).open()
        notebook.run(*WAY)
        yield notebook
        clean_up(notebook)
    finally:
        context.close()
        lab.stop()


def follow(notebook):
    """Click on the link; return the new tab and the answer in it."""
    notebook.select("viewer")
    with notebook.page.context.expect_page() as opened:
        notebook.output("viewer").get_by_role("link").click()
    opened.value.wait_for_load_state()
    # Once more, for the code of the answer.
    return opened.value, opened.value.reload()


def clean_up(notebook):
    """Close what was opened."""
    notebook.run("clean-up")
    assert notebook.errors() == []


def test_by_way_of_jupyterlab(lab, open_notebook):
    """On the learner's own machine the link leads through Jupyter's port, too."""
    lab.write(NAME, CELLS)
    notebook = open_notebook(NAME)
    notebook.run(*WAY)
    tab, reply = follow(notebook)
    expect(tab.locator("body")).to_contain_text('"kind": "NamespaceList"')
    assert reply.status == 200
    assert re.search(r"^http://127.0.0.1:\d+/proxy/\d+/api/v1/namespaces$", tab.url)
    clean_up(notebook)


def test_by_the_name_of_a_hub(hub):
    """A foreign Host gets in by the door that was opened for it."""
    tab, reply = follow(hub)
    expect(tab.locator("body")).to_contain_text('"kind": "NamespaceList"')
    assert reply.status == 200
    assert reply.request.all_headers()["host"].startswith(f"{FOREIGN_HOST}:")
    assert "/user/ada-x1/proxy/" in tab.url
    assert hub.console_errors() == []


def test_other_doors_stay_closed(hub):
    """The proxy beside it, which was not made for a browser, refuses the same way."""
    tab, _ = follow(hub)
    [port] = re.findall(r"kubectl proxy at http://127.0.0.1:(\d+)", hub.text("start"))
    reply = tab.goto(re.sub(r"/proxy/\d+/", f"/proxy/{port}/", tab.url))
    assert (reply.status, reply.text()) == (403, "Forbidden\n")


def test_who_is_not_logged_in_gets_nothing(hub, browser):
    """The link alone is no key: Jupyter asks for its token first."""
    tab, _ = follow(hub)
    context = browser.new_context()
    stranger = context.new_page()
    stranger.goto(tab.url)
    assert "/user/ada-x1/login?next=" in stranger.url
    assert "NamespaceList" not in stranger.content()
    context.close()
