"""The API explorer, as a person walks through it."""

import json
import re

import pytest
from playwright.sync_api import expect

from helpers import kubectl

LESSON = "test-explorer"
GROUP = "explorer.example.com"
CELLS = {
    "view": "view = widgets.api_explorer()\nview",
    "batch": "widgets.api_explorer(group='batch')",
    "nobody": "widgets.api_explorer(Caller.bearer())",
    "text": "print(view)",
}
pytestmark = [
    pytest.mark.full("views by hand"),
    pytest.mark.parametrize("notebook", [(LESSON, CELLS)], ids=[LESSON], indirect=True),
]

#: Markup that runs in the reader's page unless it is shown as text.
HOSTILE = "<img src=/none onerror='window.hostile = 1'>"


@pytest.fixture
def define():
    """Return a function that defines a kind while the view is open."""
    name = f"walks.{GROUP}"
    schema = {"openAPIV3Schema": {"type": "object"}}
    spec = {
        "group": GROUP,
        "scope": "Cluster",
        "names": {"kind": "Walk", "plural": "walks"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }
    manifest = {"apiVersion": "apiextensions.k8s.io/v1", "spec": spec}
    manifest |= {"kind": "CustomResourceDefinition", "metadata": {"name": name}}
    yield lambda: kubectl("create", "-f", "-", input=json.dumps(manifest))
    kubectl("delete", "crd", name, "--ignore-not-found")


def test_what_objects_say_is_text(cluster, notebook):
    """An annotation, which others may write, puts no element into a reader's page."""
    view = notebook.output("view")
    group, resource = view.get_by_label("Group:"), view.get_by_label("Resource:")
    group.select_option("(core)")
    resource.select_option("configmaps (ConfigMap)")
    where = view.get_by_label("Namespace:").locator("option:checked").inner_text()
    metadata = {"name": "hostile", "annotations": {"note": HOSTILE}}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    manifest["data"] = {"page": f"</div></pre>{HOSTILE}"}
    kubectl("create", "-f", "-", f"--namespace={where}", input=json.dumps(manifest))
    view.get_by_label("Object:").fill("hostile")
    notebook.page.keyboard.press("Enter")
    region = view.get_by_role("region", name="Answer")
    leaf = region.locator(".lab-leaf", has_text=re.compile("^note: "))
    expect(leaf).to_have_text(f'note: "{HOSTILE}"')
    view.get_by_role("button", name="Send again").click()
    expect(view.get_by_role("status")).to_contain_text("200 OK")
    assert view.locator("img").count() == 0
    assert notebook.page.evaluate("window.hostile") is None
    assert notebook.console_errors() == []


def test_from_the_root_to_one_object(cluster, notebook, define):
    """Mouse and keyboard, a kind that appears, a refusal, both themes, the end."""
    view = notebook.output("view")
    status = view.get_by_role("status")
    expect(status).to_contain_text("200 OK")
    expect(view).to_contain_text(f"GET {cluster.server}/")
    expect(view.get_by_label("kubectl:")).to_have_value("kubectl get --raw /")

    group, resource = view.get_by_label("Group:"), view.get_by_label("Resource:")
    group.select_option("(core)")
    resource.select_option("configmaps (ConfigMap)")
    # While the namespace of the test before ends, this one has another name.
    expect(view).to_contain_text(re.compile(rf"{LESSON}(-2)?/configmaps\?limit=100"))
    # By keyboard: Tab leads on to the namespace, the object and the button.
    resource.focus()
    notebook.page.keyboard.press("Tab")
    expect(view.get_by_label("Namespace:")).to_be_focused()
    notebook.page.keyboard.press("Tab")
    expect(view.get_by_label("Object:")).to_be_focused()
    notebook.page.keyboard.type("kube-root-ca.crt")
    notebook.page.keyboard.press("Enter")
    expect(view).to_contain_text("/configmaps/kube-root-ca.crt")
    expect(view.get_by_role("region", name="Answer")).to_contain_text("ConfigMap")
    # A tree folds, by keyboard too.
    folded = view.locator("details").first
    folded.locator("summary").first.focus()
    notebook.page.keyboard.press("Enter")
    expect(folded).not_to_have_attribute("open", "")

    define()
    view.get_by_role("button", name="Reload").click()
    expect(group.locator("option", has_text=GROUP)).to_have_count(1)
    expect(resource.locator("option:checked")).to_have_text("configmaps (ConfigMap)")
    group.select_option(GROUP)
    expect(view).to_contain_text(f"/apis/{GROUP}/v1/walks")
    expect(view.get_by_label("Namespace:")).to_be_disabled()

    notebook.run("batch")
    first = notebook.output("batch")
    expect(first).to_contain_text(re.compile(r"GET https://\S+/apis/batch/v1/\S+"))
    chosen = first.get_by_label("Group:").locator("option:checked")
    expect(chosen).to_have_text("batch")
    # Nothing is cut where the file browser leaves little room, whatever is longest.
    notebook.page.set_viewport_size({"width": 1024, "height": 1000})
    group.select_option("/ (all paths)")
    expect(resource.locator("option:checked")).to_have_text("/")
    controls = view.locator("select, input, textarea, button").all()
    edges = [part.bounding_box() for part in (view, *controls)]
    end, *ends = (edge["x"] + edge["width"] for edge in edges)
    assert len(ends) > 7 and max(ends) <= end
    group.select_option(GROUP)
    expect(view).to_contain_text(f"/apis/{GROUP}/v1/walks")

    notebook.run("nobody")
    expect(notebook.output("nobody").get_by_role("status")).to_contain_text(
        "403 Forbidden"
    )
    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert notebook.violations("view", "nobody") == []
    notebook.run("text")
    assert f"/apis/{GROUP}/v1/walks?limit=100" in notebook.text("text")
    view.get_by_role("button", name="Stop this view").click()
    expect(status).to_contain_text("Stopped.")
    expect(group).to_be_disabled()
    assert notebook.errors() == []
    assert notebook.console_errors() == []
