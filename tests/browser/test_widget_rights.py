"""Rights, a token's times and a label's copies, as a person sees and uses them."""

import re

import pytest
from playwright.sync_api import expect

from helpers import kubectl

pytestmark = pytest.mark.full("views by hand")

LESSON = "test-rights"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: downward, labels: {foo: bar}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: toolbox:1
    command: [sleep, infinity]
    env: [{name: FOO, valueFrom: {fieldRef: {fieldPath: "metadata.labels['foo']"}}}]
    volumeMounts:
    - {name: labels, mountPath: /etc/downward}
    - {name: empty, mountPath: /run/token}
  volumes:
  - {name: empty, emptyDir: {medium: Memory}}
  - name: labels
    downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
"""
CELLS = {
    "connect": f"""
from helpers import connect, create_token, kubectl, wait_for, widgets, write_token
cluster = connect()
namespace = cluster.create_namespace("{LESSON}")
kubectl("create", "-f", "-", input='''{POD}''')
wait_for("condition=Ready", "pod/downward")
""",
    "access": "access = widgets.access_matrix()\naccess",
    "downward": 'label = widgets.downward_view("downward")\nlabel',
    "clock": 'clock = widgets.token_clock("downward", path="/run/token/token")\nclock',
    "swap": """
token = create_token("default")
write_token("downward", token, path="/run/token/token", container="main")
""",
    "text": "print(access, label, clock, sep='\\n')",
    "clean": "cluster.delete_namespace(namespace)",
}


@pytest.fixture(scope="module")
def notebook(lab, open_for_all):
    """Return a notebook with the three views and nothing else, run to them."""
    lab.write("rights", CELLS)
    opened = open_for_all("rights")
    opened.run("connect", "access", "downward", "clock")
    yield opened
    opened.run("clean")


def grant(namespace, *options):
    kubectl("create", "rolebinding", *options, f"--namespace={namespace}")


def test_rights_light_up(cluster, notebook):
    """A binding for a crowd is seen at once; a box tries the book's without it."""
    view = notebook.output("access")
    status = view.get_by_role("status")
    expect(status).to_contain_text("0 of 66 allowed")
    title = view.get_by_text("What an account may do in namespace").inner_text()
    namespace = title.split()[-1]
    view.get_by_role("button", name="Remember as before").press("Enter")
    crowd = f"--group=system:serviceaccounts:{namespace}"
    grant(namespace, "crowd", "--clusterrole=cluster-admin", crowd)
    expect(status).to_contain_text("54 changed, 54 TOO MUCH")
    row = view.get_by_role("row", name=re.compile("^jobs.batch"))
    expect(row.get_by_role("cell").first).to_have_text("no → yes, TOO MUCH")
    expect(view).to_contain_text("comes only from RoleBinding crowd")
    kubectl("delete", "rolebinding", "crowd", f"--namespace={namespace}")
    expect(status).to_contain_text("0 of 66 allowed")
    box = view.get_by_label("As if permissive-binding were there")
    box.press("Space")
    expect(status).to_contain_text("66 changed, 66 TOO MUCH")
    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert notebook.violations("access") == []
    box.press("Space")
    expect(status).to_contain_text("0 of 66 allowed")
    view.get_by_label("Or any user:").fill("한글 🙂@example.com")
    notebook.page.keyboard.press("Enter")
    expect(status).to_contain_text("Asked as 한글 🙂@example.com")


def test_a_label_and_its_copies(cluster, notebook):
    """The file follows, the variable does not, and a bad value gets one sentence."""
    view = notebook.output("downward")
    status = view.get_by_role("status")
    expect(status).to_have_text("The file has the value of the label.")
    field = view.get_by_label("Value of label foo:")
    field.fill("purple")
    expect(view).to_contain_text("kubectl label pod downward foo=purple --overwrite")
    notebook.page.keyboard.press("Tab")
    notebook.page.keyboard.press("Enter")
    # A kubelet that misses the moment comes round once a minute.
    expect(status).to_contain_text("The file followed to purple", timeout=90_000)
    row = view.get_by_role("row", name=re.compile(r"^purple"))
    expect(row.get_by_role("cell").last).to_have_text("bar")
    for bad, why in (("two words", "a valid label must"), ("x" * 64, "no more than")):
        field.fill(bad)
        view.get_by_role("button", name="Set label").click()
        expect(status).to_contain_text(why)
    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert notebook.violations("downward") == []


def test_a_token_comes_into_the_file(cluster, notebook):
    """No token is trouble in words; a new one is a row, and is nowhere shown."""
    view = notebook.output("clock")
    status = view.get_by_role("status")
    expect(status).to_contain_text("No such file")
    for rotations in ("No rotation seen yet", "Rotations seen: 1"):
        notebook.run("swap")
        expect(status).to_contain_text(rotations)
    expect(view.get_by_role("row", name=re.compile("^expires"))).to_contain_text("in 3")
    assert not re.search(r"eyJ[\w-]+\.", view.inner_text())
    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert notebook.violations("clock") == []


def test_they_have_a_text_form_and_an_end(cluster, notebook):
    """The last of this file: it stops them, with the button, and says so."""
    notebook.run("text")
    text = notebook.text("text")
    assert "may do" not in text and "variable FOO: bar" in text and "exp: " in text
    assert "pods/exec" in text and "purple" in text
    for name in ("access", "downward", "clock"):
        view = notebook.output(name)
        view.get_by_role("button", name="Stop this view").click()
        expect(view.get_by_role("status")).to_contain_text("Stopped.")
    expect(notebook.output("access").get_by_label("Or any user:")).to_be_disabled()
    assert (notebook.errors(), notebook.console_errors()) == ([], [])
