"""What fills the directory of containerd: itself and an import, without a cluster."""

from cluster.local import store
from cluster.machine import layout
from tests.cluster.machine.test_described import FACTS


def test_it_is_filled_by_containerd_and_an_import_alone():
    importing = store.importing(FACTS)
    names = ["containerd", "image-import", "image-prune"]
    assert [part.name for part in importing] == names
    assert importing[1].argv[-1] == layout.ARCHIVE
    # The layers go once they are unpacked, and the machine with the last of both.
    assert importing[1].once and importing[2].once
    assert importing[2].needs == ("image-import",)
    for part in importing:
        assert {*part.needs, *part.stop_after} <= {*names}
