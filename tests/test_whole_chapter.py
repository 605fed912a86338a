"""The notebooks together: any order, the same two at once, nothing left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from helpers import KubectlProxy, api_resources
from tests.notebooks import FILES, ROOT

#: Made by the cluster for itself while time passes, and removed by it.
PASSING = {"events", "leases"}
#: What serves lists of something else, and is stored nowhere.
NOT_STORED = {"componentstatuses"}


def objects(proxy) -> set[str]:
    """Return "resource.group namespace/name" of every object of the cluster."""
    found = set()
    for row in api_resources(proxy).itertuples():
        if row.NAME in PASSING | NOT_STORED or "list" not in row.VERBS:
            continue
        group, _, version = row.APIVERSION.rpartition("/")
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        for item in proxy.read(f"{root}/{row.NAME}")["items"]:
            meta = item["metadata"]
            where = f"{meta.get('namespace', '')}/{meta['name']}"
            found.add(f"{row.NAME}.{group} {where}")
    return found


def processes(cluster) -> set[int]:
    """Return the pids of every program that talks to the cluster of these tests."""
    state = str(cluster.kubeconfig.parent)
    found = set()
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != "kubectl":
            continue
        try:
            if process.environ().get("KUBECONFIG", "").startswith(state):
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(1800)
def test_backwards_and_two_at_once_they_pass_and_leave_nothing(cluster, tmp_path):
    """Each notebook meets itself; nbval runs them forwards, one at a time."""
    assert processes(cluster) == set()
    with KubectlProxy() as proxy:
        before = objects(proxy)
    assert any(name.startswith("services. default/kubernetes") for name in before)

    runs = [_chapter(tmp_path / str(number)) for number in (1, 2)]
    try:
        outputs = [run.communicate(timeout=1700)[0] for run in runs]
    finally:
        # Of tests that are interrupted; one that goes on would start a cluster anew.
        for run in runs:
            run.send_signal(signal.SIGINT)
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
    for number in (1, 2):
        pages = sorted(path.stem for path in (tmp_path / str(number)).glob("*.html"))
        assert pages == [path.stem for path in FILES]

    assert processes(cluster) == set()
    with KubectlProxy() as proxy:
        assert objects(proxy) - before == set()


def _chapter(target: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tools.chapter", "--target", str(target)]
    return subprocess.Popen(
        [*command, *map(str, reversed(FILES))],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
