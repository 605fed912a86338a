"""The container runtime and the network of pods, on Linux."""

import pytest

from cluster import versions
from cluster.local import registry
from tab.build import SOURCES


@pytest.mark.full("compiles what the units import of Kubernetes")
def test_it_keeps_its_promises(browser_server, go):
    """Each unit; where no program has been built, its many sources may not be here."""
    tested = go("test", "-vet=all", "-count=1", "-v", "./node")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert tested.stdout.count("--- PASS") > 25 and "SKIP" not in tested.stdout


def test_it_has_the_images_of_the_local_cluster():
    """The lessons' own, and those of the book, with the same commands."""
    text = (SOURCES / "node" / "images.go").read_text()
    images = {versions.TOOLBOX_IMAGE: ["sleep", "infinity"]}
    for name, command in {**images, **registry.BOOK}.items():
        assert f'"{name}":' in text
        for word in command:
            assert f'"{word}"' in text or f"`{word}`" in text
