"""What lessons say of a feature's stage is true of the API server that runs."""

import re
import tomllib
from pathlib import Path

import pytest

from cluster import versions
from cluster.programs import golang
from helpers import kubectl
from tests.notebooks import FILES, load, source
from tools.locks import KUBERNETES, fetch_sources, staging_version

STAGES = tomllib.loads(Path(__file__).with_name("stages.toml").read_text("utf-8"))
SENTENCES = [(cell, *row) for cell, rows in STAGES.items() for row in rows.items()]
#: From another time, or from a version of an API.
PAST = (
    "04-batch-api/versions-then",
    "14-discovery/frames-ask",
    "16-rights/permissive-then",
)
METRIC = re.compile(
    r'^kubernetes_feature_enabled\{name="(\w+)",stage="(\w*)"\} (\d)', re.M
)
#: modules with the versions in which a feature changed its stage
SOURCES = (
    (KUBERNETES, "pkg/features/kube_features.go"),
    ("k8s.io/apiserver", "pkg/features/kube_features.go"),
    ("k8s.io/component-base", "zpages/features/kube_features.go"),
)


@pytest.fixture(scope="module")
def stages(cluster):
    """Return the stage of each feature by its gate, and whether it is on."""
    found = METRIC.findall(kubectl("get --raw /metrics").stdout)
    return {name: (stage or "stable", on == "1") for name, stage, on in found}


@pytest.mark.parametrize(("cell", "gate", "since"), SENTENCES)
def test_the_server_has_the_stage_that_the_lesson_says(stages, cell, gate, since):
    text = source(*cell.split("/"))
    stage, on = stages[gate]
    assert on, f"{cell} says that {gate} is on by default, and it is off"
    assert stage.lower() in text, f"{cell}: {gate} is {stage.lower()} now"
    assert since in text, f"{cell} does not say since when: {since}"


def test_each_sentence_about_a_beta_names_its_gate():
    for path in FILES:
        for cell in load(path)["cells"]:
            name = f"{path.stem}/{cell['id']}"
            if cell["cell_type"] == "markdown" and name not in PAST:
                said = re.search(r"\bbeta\b", "".join(cell["source"]))
                assert not said or name in STAGES, name


@pytest.mark.follow("the module proxy")
@pytest.mark.skipif(golang.find() is None, reason="there is no Go here")
def test_the_version_is_the_one_of_upstreams_list():
    text = ""
    for module, file in SOURCES:
        own = versions.KUBERNETES
        version = own if module == KUBERNETES else staging_version(own)
        text += (fetch_sources(module, version) / file).read_text()
    for cell, gate, since in SENTENCES:
        [block] = re.findall(rf"^\s*{gate}: \{{\n(.*?)^\s*\}},", text, re.M | re.S)
        rows = re.findall(r'MustParse\("([\d.]+)"\), Default: (\w+)', block)
        on = [number for number, default in rows if default == "true"]
        off = [number for number, default in rows if default == "false"]
        # What was taken back counts from when it came again.
        first = [
            n for n in on if not off or versions.parse(n) > versions.parse(off[-1])
        ]
        assert since == first[0], f"{cell}: {gate} is on by default since {first[0]}"
