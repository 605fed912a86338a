"""The status of a cluster is an interface: each key of it is documented."""

import dataclasses
import re
from pathlib import Path

from cluster import backend
from cluster.machine.supervisor import ComponentState

CLUSTER = Path(backend.__file__).parent


def test_the_keys_of_the_status_are_documented_and_no_others():
    text = (CLUSTER / "docs" / "cluster.md").read_text()
    section = text.partition("## The status as JSON\n")[2].partition("\n## ")[0]
    whole, part = (
        re.findall(r"^\| `(\w+)` \|", table, re.M)
        for table in section.split("Each component has these keys:")
    )
    assert whole == list(backend.STATUS)
    assert part == [field.name for field in dataclasses.fields(ComponentState)]
