"""The registry knows which image containerd asks for."""

import pytest

from cluster.local.registry import reference

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("target", "image"),
    [
        (
            "/v2/library/nginx/manifests/latest?ns=docker.io",
            "docker.io/library/nginx:latest",
        ),
        ("/v2/a/b/c/manifests/1.2?ns=ghcr.io", "ghcr.io/a/b/c:1.2"),
        ("/v2/app/manifests/1?ns=localhost%3A5000", "localhost:5000/app:1"),
        (f"/v2/app/manifests/{DIGEST}?ns=ghcr.io", f"ghcr.io/app@{DIGEST}"),
        # Any other request names an image that does not exist.
        ("/v2/", "/:"),
        ("/metrics?ns=x", "x//metrics:"),
    ],
)
def test_a_question_names_an_image(target, image):
    assert reference(target) == image
