"""The whole chapter on a learner's own cluster, beside one that nobody may touch.

The learner's user has the printed rights and no others. Everything around it leads to
production: `~/.kube/config`, KUBECONFIG, and again and again the learner's own file.
What is switched, and when, `switching` says; what arrived at production, its audit log.
The namespaces enforce the Pod Security Standard `baseline`.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster import paths
from cluster.binaries import find_kubectl
from cluster.existing.rbac import LESSON, manifest, objects
from cluster.existing.record import Record
from cluster.existing.rules import STATE
from cluster.local.backend import Local
from cluster.waiting import until
from helpers import kubectl
from helpers.lessons import NEEDS_LAB, REASON
from tests.commandline import environment, helpers
from tests.existing import user
from tests.existing.podsecurity import ENFORCE, baseline
from tests.existing.watching import images_of_pods
from tests.notebooks import FILES, ROOT, load, tagged

pytestmark = pytest.mark.full("own cluster × all lessons")
#: a name that only the nodes of this cluster know
IMAGE = "registry.example/team/toolbox:7"
#: seconds for all notebooks on a busy machine
LIMIT = 1500
USER = "anna"
#: whom the inserted cells are at production, and the contexts that lead them there
STRAY, STRAYS = "stray", ("elsewhere", "production")
#: what RBAC lets this user do in any namespace, and what the policy says to it
BIND = f"create rolebinding a --clusterrole={LESSON} --user={USER} --as={USER}".split()
FENCE = "own namespaces of lessons alone"


@pytest.fixture(scope="module")
def image(cluster):
    """Give the image of the lessons a second name, as a registry would."""
    ctr, socket = Local()._containerd()
    words = [ctr, f"--address={socket}", "--namespace=k8s.io", "images"]
    tag = ("tag", "--force", "docker.io/library/toolbox:1", IMAGE)
    subprocess.run([*words, *tag], check=True, timeout=60)
    yield IMAGE
    subprocess.run([*words, "remove", IMAGE], check=True, timeout=60)


@pytest.fixture(scope="module")
def surroundings(cluster, production, tmp_path_factory):
    """Return the environment of a learner whose every default is production."""
    home = tmp_path_factory.mktemp("home")
    ambient = production.kubeconfig(home / ".kube" / "config")
    theirs = user.kubeconfig(USER, cluster, ambient, home / "clusters.yaml")
    yield {
        "HOME": home,
        "KUBECONFIG": os.pathsep.join(map(str, (ambient, theirs))),
        "SWITCHED": os.pathsep.join(map(str, (ambient, theirs))),
        "SWITCHES": home / "switches",
        "STRAY": production.kubeconfig(home / "stray", *STRAYS, user=STRAY),
        "LAB_STATE_DIR": home / "state",
        "LAB_CACHE_DIR": paths.cache_dir(),
        "LAB_BACKEND": "own",
        "PYTHONPATH": ROOT,
    }


@pytest.fixture(scope="module")
def rights(cluster):
    """Give the user exactly what `rbac` prints, and wait until all of it counts."""
    text = helpers("rbac", "--user", USER, check=True).stdout
    assert text == manifest(USER)
    kubectl("apply", "-f", "-", input=text)
    stray = (*BIND, "--namespace=kube-system", "--dry-run=server")
    assert until(lambda: FENCE in kubectl(*stray, check=False).stderr, 30)
    yield
    kubectl("delete", "-f", "-", input=text)


@pytest.mark.timeout(LIMIT + 300)
def test_all_notebooks_pass_and_nothing_arrives_at_production(
    cluster, production, surroundings, rights, image
):
    home = Path(surroundings["HOME"])
    production.forget()
    options = ("--kubeconfig", home / "clusters.yaml", "--context", "mine")
    done = helpers("use", *options, "--image", image, "--yes", env=surroundings)
    assert done.returncode == 0 and f"user        {USER}" in done.stderr, done.stderr
    state = Record.read(home / "state").state

    lessons = f"{STATE}={state},{ENFORCE}=baseline"
    with baseline(), images_of_pods(cluster.kubeconfig, lessons, home) as images:
        counts, output = run_notebooks(surroundings)
    skipped = [cell for file in FILES for cell in tagged(load(file), NEEDS_LAB)]
    assert counts.get("failed", 0) == counts.get("error", 0) == 0, output
    assert counts["skipped"] == len(skipped) > 0 and REASON in output
    assert counts["passed"] == code_cells() - len(skipped)
    switched = Path(surroundings["SWITCHES"]).read_text().splitlines()
    for file in FILES:
        assert switched.count(f"{file.name} stray") == 1
        assert {f"{file.name} production", f"{file.name} mine"} <= set(switched)
    assert images == {IMAGE}

    assert "nothing was stopped" in helpers("stop", env=surroundings).stdout
    assert helpers("delete", "--yes", env=surroundings).returncode == 0
    assert not (home / "state").exists()
    mine = kubectl("get", "namespaces", f"--selector={STATE}={state}", "-o", "json")
    active = [
        each for each in mine.json()["items"] if each["status"]["phase"] == "Active"
    ]
    assert active == []

    # Not only no write: connecting, running and deleting asked nothing at all. The
    # inserted cells did, and what they would have written was refused before.
    assert production.requests(besides=STRAY) == []
    assert production.writes() == [] and len(production.requests()) >= len(FILES)
    for number, changes in enumerate(({}, {"KUBECONFIG": None})):
        wander(surroundings | changes, f"wanderer-{number}")
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


def run_notebooks(env: dict) -> tuple[dict[str, int], str]:
    """Run all of them as a learner's CI does; return the counts and the output."""
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-rs", "--color=no"),
            *("-p", "no:cacheprovider", "-p", "tests.existing.switching"),
            *(str(file.relative_to(ROOT)) for file in FILES),
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


def code_cells() -> int:
    cells = [cell for file in FILES for cell in load(file)["cells"]]
    return sum(cell["cell_type"] == "code" for cell in cells)


def test_an_account_with_a_token_is_told_what_it_lacks(cluster, surroundings, rights):
    """And with what `rbac --serviceaccount` prints it has it."""
    home = Path(surroundings["HOME"])
    name, account = "learner", "system:serviceaccount:default:learner"
    kubectl("create", "serviceaccount", name, "--namespace=default")
    token = kubectl("create", "token", name, "--namespace=default").stdout
    file = user.with_token(token, cluster, home / "token.yaml")
    env = surroundings | {"LAB_STATE_DIR": home / "of-account"}
    words = ("use", "--kubeconfig", file, "--context", "mine", "--yes")
    text = helpers("rbac", "--serviceaccount", f"default:{name}", check=True).stdout
    try:
        done = helpers(*words, env=env)
        assert done.returncode == 1 and "helpers rbac" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 3  # where it asked, and the error
        kubectl("apply", "-f", "-", input=text)
        wait = ("auth", "can-i", "create", "namespaces", f"--as={account}")
        assert until(lambda: kubectl(*wait, check=False).exit_code == 0, 20)
        done = helpers(*words, env=env)
        assert done.returncode == 0 and account in done.stderr, done.stderr
        done = subprocess.run(
            [sys.executable, "-c", ACCOUNT],
            cwd=ROOT,
            env=environment(env),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        helpers("delete", "--yes", env=env, check=True)
    finally:
        # All users share the roles.
        own = [each for each in objects(account) if each["kind"] != "ClusterRole"]
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": own})
        kubectl("delete", "-f", "-", "--ignore-not-found", input=items)
        kubectl("delete", "serviceaccount", name, "--namespace=default")


#: what the first and the last cell of a lesson do, and a write in between
ACCOUNT = """
from helpers import Caller, connect, kubectl
cluster = connect()
name = cluster.create_namespace("account")
kubectl("create", "secret", "generic", "a")
path = f"/api/v1/namespaces/{name}/secrets/a"
assert Caller.from_kubeconfig(cluster.kubeconfig).request("DELETE", path).status == 200
cluster.delete_namespace(name)
"""


def test_the_server_itself_keeps_this_user_in_namespaces_of_lessons(cluster, rights):
    """By the policy where RBAC lets it write, and by RBAC in all else."""
    refused = kubectl(*BIND, "--namespace=kube-system", check=False)
    assert refused.exit_code == 1 and FENCE in refused.stderr
    for verb, what in (("get", "secrets"), ("create", "pods"), ("delete", "nodes")):
        asked = ("auth", "can-i", verb, what, f"--as={USER}", "-n", "kube-system")
        assert kubectl(*asked, check=False).exit_code == 1
