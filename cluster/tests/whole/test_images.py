"""An image with the tag `latest` is pulled at each start: ours is asked for it."""

import json

import pytest

from cluster.image.archive import Entry, Image, write_archive, write_layer
from cluster.image.find import architecture
from cluster.tests.waiting import until
from cluster.tests.whole.lab import ONCE, Lab, full
from cluster.versions import TOOLBOX_IMAGE

pytestmark = [*ONCE, full]


@pytest.fixture
def imported(lab, tmp_path):
    """Return the cluster with an image of a name that a learner may bring."""
    # The image has no program: the answer to a start tells that it is there.
    layer = write_layer({"etc/motto": Entry(0o644, content=b"")}, tmp_path / "l.tar")
    image = Image(("lab-test:latest",), (layer,), {"Cmd": ["/app"]})
    write_archive([image], architecture(), tmp_path / "app.tar")
    lab.backend.add_image(tmp_path / "app.tar")
    yield lab
    lab.kubectl("delete", "pods", "latest", "unknown", "always")


def waiting(lab: Lab, pod: str) -> dict:
    """Return why the pod's container waits, or nothing."""
    found = json.loads(lab.kubectl("get", "pod", pod, "-o", "json"))
    [status] = found["status"].get("containerStatuses", [{}])
    return status.get("state", {}).get("waiting", {})


def test_an_imported_image_is_pulled_from_the_cluster_itself(imported):
    lab = imported
    lab.kubectl("run", "latest", "--image=lab-test")
    lab.kubectl("run", "unknown", "--image=ghcr.io/lab/unknown")
    lab.kubectl(
        "run", "always", f"--image={TOOLBOX_IMAGE}", "--image-pull-policy=Always"
    )
    lab.await_pod("always")
    until(lambda: "/app" in waiting(lab, "latest").get("message", ""), 30, "its start")
    until(
        lambda: "images add FILE" in waiting(lab, "unknown").get("message", ""),
        30,
        "the way out",
    )
    events = lab.kubectl(
        "get",
        "events",
        "-o=jsonpath={.items[*].message}",
        "--field-selector=involvedObject.name=unknown,reason=Failed",
    )
    assert "was not imported" in events
