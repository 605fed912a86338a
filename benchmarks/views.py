"""Measure a kernel with every view open on a busy cluster, and how fast its screen is.

A real JupyterLab with Chromium, a real cluster, 50 changes of pods each second for five
minutes. Memory at the end is compared with memory after the first minute; the way of an
event to the screen with its way to a bare watch in this process.

Usage: `python benchmarks/views.py [--seconds 300] [--rate 50]`; it needs Chromium and
the test tools of `make test`.
"""

import argparse
import json
import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from parts import figures
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
# The browser and JupyterLab of the tests are not installed, only the helpers are.
sys.path.insert(0, str(ROOT))

from helpers import connect  # noqa: E402
from helpers.caller import Caller  # noqa: E402
from helpers.command import kubeconfig_in_use  # noqa: E402
from helpers.watch import Watch  # noqa: E402
from tests.browser.jupyterlab import JupyterLab  # noqa: E402
from tests.browser.notebook import OpenNotebook  # noqa: E402

CHURN = ROOT / "benchmarks" / "parts" / "churn.py"
#: Seconds until memory counts: until then caches fill and the tables grow.
WARM = 60.0
#: seconds between two looks at the kernel, and between two probes
EVERY = 5.0
#: each kind of view, open at the same time
VIEWS = {
    "live-pods": "live = widgets.live_pods()\nlive",
    "explorer": "explorer = widgets.api_explorer()\nexplorer",
    "journey": 'journey = widgets.request_journey("seer")\njourney',
}
CONNECT = """
import os
from helpers import connect, kubectl, wait_for, widgets
cluster = connect()
namespace = cluster.create_namespace("busy")
made = kubectl("apply", "-f", "-", input={manifest!r})
waited = wait_for("condition=Ready", "pod/seer")
print(namespace, os.getpid())
"""


def seer() -> dict:
    """Return a pod from which a request can be sent."""
    main = {"name": "main", "image": "toolbox:1", "command": ["sleep", "infinity"]}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [main]}
    metadata = {"name": "seer"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


class Probe:
    """Creates a pod and says when a bare watch and the screen have it."""

    def __init__(self, notebook: OpenNotebook, namespace: str) -> None:
        """Watch the probes; the screen shows them alone."""
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._caller = Caller.from_kubeconfig(kubeconfig_in_use())
        self._heard: queue.Queue = queue.Queue()
        self._view = notebook.output("live-pods")
        self._view.get_by_label("Name or label contains:").fill("probe")
        self._watch = Watch(
            Caller.from_kubeconfig(kubeconfig_in_use()),
            self._path,
            lambda event: self._heard.put((event, time.monotonic())),
        ).start()
        # What is created before the list has come would be in it, and no event.
        self._heard.get(timeout=30)
        self.screen: list[float] = []
        self.bare: list[float] = []

    def send(self) -> None:
        """Create one, wait until it is on the screen, and delete it."""
        name = f"probe-{len(self.screen)}"
        main = {"name": "main", "image": "toolbox:1"}
        spec = {"containers": [main], "nodeSelector": {"kind": "none"}}
        metadata = {"name": name, "labels": {"app": "probe"}}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        self._caller.request("POST", self._path, body=body)
        # From the answer on: what the server takes to store it is not the view's.
        began = time.monotonic()
        expect(self._view.get_by_role("rowheader", name=name)).to_be_visible(
            timeout=30_000
        )
        self.screen.append(time.monotonic() - began)
        while True:
            event, at = self._heard.get(timeout=30)
            metadata = event.object.get("metadata", {})
            if (event.type, metadata.get("name")) == ("ADDED", name):
                break
        self.bare.append(max(0.0, at - began))
        self._caller.request("DELETE", f"{self._path}/{name}?gracePeriodSeconds=0")

    def stop(self) -> None:
        """End the watch."""
        self._watch.stop()


def measure(notebook: OpenNotebook, seconds: float, rate: float) -> None:
    """Open all views, make the cluster busy, and print what it costs."""
    notebook.run("connect")
    namespace, pid = notebook.text("connect").split()[-2:]
    kernel = psutil.Process(int(pid))
    bare = kernel.memory_info().rss
    notebook.run(*VIEWS)
    probe = Probe(notebook, namespace)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig_in_use())}
    arguments = [sys.executable, str(CHURN), namespace, str(rate), str(seconds)]
    began, cpu = time.monotonic(), sum(kernel.cpu_times()[:2])
    memory: list[tuple[float, int]] = []
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, text=True
    ) as load:
        while load.poll() is None:
            probe.send()
            memory.append((time.monotonic() - began, kernel.memory_info().rss))
            pause = began + len(memory) * EVERY - time.monotonic()
            time.sleep(max(0.0, pause))
        if load.returncode:
            raise SystemExit(f"{CHURN.name}: {load.returncode}")
        made = json.loads(load.stdout.read())
    spent = sum(kernel.cpu_times()[:2]) - cpu
    probe.stop()
    show(made, memory, bare, spent, probe)


def show(made: dict, memory: list, bare: int, spent: float, probe: Probe) -> None:
    """Print the figures and the ratios."""
    seconds = made["seconds"]
    print(f"{made['changes'] / seconds:.1f} changes a second for {seconds:.0f} s")
    early = [rss for at, rss in memory if WARM <= at < WARM + 60]
    late = [rss for at, rss in memory if at >= seconds - 60]
    first, last = statistics.mean(early), statistics.mean(late)
    print(f"kernel, MB: {bare / 1e6:.0f} before, {first / 1e6:.0f} after a minute,")
    print(f"            {last / 1e6:.0f} in the last one")
    print(f"kernel, CPU: {spent / seconds:.0%} of a core")
    print(f"\n{'event, ms':<24}{'p50':>8}{'p95':>8}{'max':>8}")
    for name, found in (
        ("to a bare watch", probe.bare),
        ("to the screen", probe.screen),
    ):
        p50, p95 = percentile(found, 50), percentile(found, 95)
        print(f"{name:<24}{p50:8.0f}{p95:8.0f}{max(found) * 1000:8.0f}")
    figures.goal("memory, last minute of the second", last / first, "<= 1.05")


def percentile(found: list[float], part: int) -> float:
    """Return a percentile in milliseconds."""
    return statistics.quantiles(found, n=100, method="inclusive")[part - 1] * 1000


def main() -> None:
    """Start JupyterLab and Chromium on a cluster of its own, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--rate", type=float, default=50.0)
    options = parser.parse_args()
    if options.seconds < 2 * WARM + 60:
        parser.error(f"--seconds is at least {2 * WARM + 60:.0f}: memory is compared")
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed: make test installs it")
    with tempfile.TemporaryDirectory(prefix="views-") as directory:
        os.environ["LAB_STATE_DIR"] = f"{directory}/state"
        os.environ["LAB_BACKEND"] = "local"
        connect()
        lab = JupyterLab(Path(directory, "lab"))
        lab.folder.mkdir()
        try:
            lab.start()
            manifest = json.dumps(seer())
            lab.write("busy", {"connect": CONNECT.format(manifest=manifest), **VIEWS})
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium)
                page = browser.new_page(viewport={"width": 1300, "height": 1000})
                notebook = OpenNotebook(page, lab.address("busy"), "busy").open()
                print(figures.surroundings())
                measure(notebook, options.seconds, options.rate)
        finally:
            lab.stop()
            from cluster import backends

            backends.kept().delete()


if __name__ == "__main__":
    main()
