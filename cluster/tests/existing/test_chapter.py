"""The whole chapter on an existing cluster, beside one that nobody may touch.

The lessons have the account that `use` makes, and no other credential. Everything
around it leads to production: `~/.kube/config`, KUBECONFIG, and the current context of
the learner's own file. What arrived at production, its audit log says.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cluster import paths
from cluster.existing import rbac
from cluster.existing.record import Record
from cluster.programs import find_kubectl
from cluster.tests.commandline import environment, helpers
from cluster.tests.existing.conftest import use
from cluster.tests.existing.emulated import MINORS, Emulated
from cluster.tests.lab import Lab
from cluster.versions import TOOLBOX_IMAGE, parse
from helpers import needs
from helpers.course.exercise import tags_of
from tests.notebooks import FILES, NEEDS_MINOR, ROOT, load, tagged

pytestmark = pytest.mark.follow("existing cluster × all lessons × version")
#: a name that only the nodes of this cluster know
IMAGE = "registry.example/team/toolbox:7"
#: seconds for all notebooks on a busy machine
LIMIT = 2000


def lessons_on(minor: str) -> list[Path]:
    """Return those that a version runs: all of them on the oldest and on the newest.

    On others those with a cell that is about a minor version.
    """
    if minor in ("", *MINORS[:1], *MINORS[-1:]):
        return FILES
    return [
        path for path in FILES if any(tagged(load(path), tag) for tag in NEEDS_MINOR)
    ]


@pytest.fixture(params=MINORS or [""])
def theirs(request, tmp_path):
    """Return the cluster, as one of a minor version."""
    lab = Lab(Emulated(tmp_path / "theirs", minor=request.param))
    lab.up()
    yield lab
    lab.close()


@pytest.fixture
def version(theirs):
    """Return the version that its server behaves as."""
    return needs.effective_version(
        json.loads(theirs.kubectl("get", "--raw", "/version"))
    )


@pytest.fixture
def image(theirs, version):
    """Give the image a second name, as a registry would; return the option for it.

    None before 1.36, which serves no MutatingAdmissionPolicy.
    """
    if parse(version) < parse("1.36"):
        return []
    ctr, socket = theirs.backend._containerd()
    words = [ctr, f"--address={socket}", "--namespace=k8s.io", "images", "tag"]
    subprocess.run([*words, TOOLBOX_IMAGE, IMAGE], check=True, timeout=60)
    return ["--image", IMAGE]


@pytest.fixture
def surroundings(theirs, production, tmp_path):
    """Return the environment of a learner whose every default is production."""
    home = tmp_path / "home"
    ambient = production.kubeconfig(home / ".kube" / "config")
    named = home / "clusters.yaml"
    both = yaml.safe_load(ambient.read_text())
    both["clusters"][0]["cluster"]["certificate-authority"] = ".kube/config.crt"
    mine = json.loads(theirs.backend.kubeconfig.read_text())
    for kind in ("cluster", "user"):
        both[f"{kind}s"].append(mine[f"{kind}s"][0] | {"name": "mine"})
    context = {"cluster": "mine", "user": "mine", "namespace": "default"}
    both["contexts"].append({"name": "mine", "context": context})
    named.write_text(yaml.safe_dump(both))
    return {
        "HOME": home,
        "KUBECONFIG": os.pathsep.join(map(str, (ambient, named))),
        "LAB_STATE_DIR": home / "state",
        "LAB_CACHE_DIR": paths.cache_dir(),
        "LAB_BACKEND": "existing",
        "PYTHONPATH": ROOT,
    }


@pytest.mark.timeout(LIMIT + 300)
def test_all_notebooks_pass_and_nothing_arrives_at_production(
    theirs, production, surroundings, image, version, monkeypatch
):
    home = Path(surroundings["HOME"])
    production.forget()
    done = use(surroundings, home / "clusters.yaml", *image)
    assert done.returncode == 0, done.stderr
    record = Record.read(home / "state")
    assert record.has_policy and record.user == rbac.user_of(record.state)

    files = lessons_on(theirs.backend.minor)
    counts, output = run_notebooks(surroundings, files)
    monkeypatch.setattr(needs, "_known", ("existing", version))
    cells = [cell for file in files for cell in load(file)["cells"]]
    left_out = {needs.unmet_need(tags_of(cell)) for cell in cells} - {""}
    skipped = [cell for cell in cells if needs.unmet_need(tags_of(cell))]
    assert not counts.keys() & {"failed", "error", "errors"}, output
    assert counts["skipped"] == len(skipped) > 0
    assert all(reason in output for reason in left_out)
    code = sum(cell["cell_type"] == "code" for cell in cells)
    assert counts["passed"] == code - len(skipped)

    assert "nothing was stopped" in helpers("stop", env=surroundings).stdout
    assert helpers("delete", "--yes", env=surroundings).returncode == 0
    assert not (home / "state").exists()
    marked = ("-o", "json", f"--selector={rbac.ACCOUNT}={rbac.key(record.user)}")
    kinds = "namespaces,clusterroles,clusterrolebindings"
    left = json.loads(theirs.kubectl("get", kinds, *marked))["items"]
    assert {each["status"]["phase"] for each in left} <= {"Terminating"}

    # Not only no write: connecting, running and deleting asked nothing at all.
    assert production.requests() == []
    for number, changes in enumerate(({}, {"KUBECONFIG": None})):
        wander(surroundings | changes, f"wanderer-{theirs.backend.minor}-{number}")
        assert len(production.writes()) == number + 1
    production.forget()


def wander(env: dict, name: str) -> None:
    """Write with the genuine kubectl to where the learner's surroundings lead.

    Else a file that leads nowhere would pass for one that is not followed.
    """
    program = find_kubectl() / "kubectl"
    words = ("create", "configmap", name, "--namespace=default")
    done = subprocess.run(
        [program, *words],
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def run_notebooks(env: dict, files: list[Path]) -> tuple[dict[str, int], str]:
    """Run them as a learner's CI does; return the counts and the output."""
    began = time.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rs",
            "--color=no",
            "-p",
            "no:cacheprovider",
            *(str(file.relative_to(ROOT)) for file in files),
        ],
        cwd=ROOT,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    last = done.stdout.splitlines()[-1]
    print(f"{last} (after {time.monotonic() - began:.0f} s)")
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", last)}
    return counts, done.stdout + done.stderr
