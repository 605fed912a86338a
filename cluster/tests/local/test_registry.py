"""The registry knows which image containerd asks for, and makes those of the book."""

import hashlib
import json

import pytest

from cluster.local import registry
from cluster.local.registry import BOOK, TOOLBOX, reference

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


CONFIG = {"config": {"Entrypoint": ["/init"], "Cmd": ["sleep"]}, "rootfs": {"x": 1}}
LAYERS = [{"digest": DIGEST, "size": 7}]


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def containerd(monkeypatch):
    """Return what a containerd has, by digest, and the images in it by name."""
    config = json.dumps(CONFIG).encode()
    about = {"mediaType": "config", "digest": digest(config), "size": len(config)}
    manifest = json.dumps({"config": about, "layers": LAYERS}).encode()
    content = {digest(each): each for each in (config, manifest)}
    names = {TOOLBOX: digest(manifest)}

    def ctr(*words: str) -> bytes:
        if words[0] == "content":
            return content[words[-1]]
        name = json.loads(words[-1].removeprefix("name=="))
        row = f"{name} kind {names[name]} 9 MB" if name in names else ""
        return f"REF TYPE\n{row}\n".strip().encode()

    monkeypatch.setattr(registry, "ctr", ctr)
    monkeypatch.setattr(registry, "say", lambda _: None)
    return names


@pytest.mark.parametrize("image", BOOK)
def test_an_image_of_the_book_is_toolbox_with_another_command(containerd, image):
    """By its own digests: a manifest and a configuration; the layers are toolbox's."""
    (top, (kind, outer)), (below, (inner_kind, inner)) = registry.make_image(
        image
    ).items()
    assert (kind, inner_kind) == ("kind", "config")
    assert (top, below) == (digest(outer), digest(inner))
    manifest, config = json.loads(outer), json.loads(inner)
    assert manifest["layers"] == LAYERS
    assert manifest["config"]["digest"] == below
    assert manifest["config"]["size"] == len(inner)
    assert config["rootfs"] == CONFIG["rootfs"]
    assert config["config"] == {"Entrypoint": ["/init"], "Cmd": BOOK[image]}
    host, _, rest = image.partition("/")
    name = rest.rpartition(":")[0]
    for path, data in ((f"manifests/{top}", outer), (f"blobs/{below}", inner)):
        assert registry.part(f"/v2/{name}/{path}?ns={host}")[1] == data
    assert registry.part(f"/v2/{name}/blobs/{DIGEST}?ns={host}") is None
    assert registry.part(f"/v2/{name}/blobs/{below}?ns=ghcr.io") is None


def test_other_images_and_a_node_without_toolbox_have_none(containerd):
    assert registry.make_image("docker.io/library/busybox:1.36") == {}
    containerd.clear()
    assert registry.make_image(next(iter(BOOK))) == {}
