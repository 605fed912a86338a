"""Measure how fast 10,000 pods become a data frame, and in how much memory.

The floor is the transfer of the same list as JSON, over one connection, with nothing
done to it. Every reader runs in a process of its own, in turn with the others, and all
must come to the same values. Then the list grows tenfold, and the memory must not.

Usage: `python benchmarks/lists.py [--runs 9] [--rows 10000] [--data DIRECTORY]`
"""

import argparse
import functools
import hashlib
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from parts import figures, plane, pods

PODS = "/api/v1/pods"
#: what a list of pods is read for; the first container's, where a pod has several
COLUMNS = {
    "NAMESPACE": ".metadata.namespace",
    "NAME": ".metadata.name",
    "APP": r".metadata.labels.app\.kubernetes\.io/name",
    "CREATED": ".metadata.creationTimestamp",
    "OWNER": ".metadata.ownerReferences[0].name",
    "NODE": ".spec.nodeName",
    "CPU": ".spec.containers[0].resources.requests.cpu",
    "MEMORY": ".spec.containers[0].resources.requests.memory",
    "LIMIT": ".spec.containers[0].resources.limits.memory",
    "PHASE": ".status.phase",
    "IP": ".status.podIP",
    "READY": ".status.containerStatuses[0].ready",
    "RESTARTS": ".status.containerStatuses[0].restartCount",
    "STARTED": ".status.startTime",
}
#: the columns of kubectl that do not change while we look
PRINTED = ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "IP", "NODE"]


def floor(kubeconfig: Path):
    """Transfer the list as JSON, and look at nothing of it."""
    import socket
    from urllib.parse import urlsplit

    from cluster import tls

    access = tls.access(kubeconfig)
    place = urlsplit(access.server)
    lines = (f"GET {PODS} HTTP/1.1", f"Host: {place.netloc}", "Connection: close")
    request = "\r\n".join([*lines, "Accept: application/json", "", ""]).encode()
    buffer = bytearray(1 << 20)

    def work():
        plain = socket.create_connection((place.hostname, place.port))
        size = 0
        with access.context.wrap_socket(plain, server_hostname=place.hostname) as tls:
            tls.sendall(request)
            while count := tls.recv_into(buffer):
                size += count
        return size

    return work


def full(kubeconfig: Path):
    """Read the columns with our helper."""
    from helpers.apireader import ApiReader
    from helpers.tables import get_custom_columns

    def work():
        with ApiReader(kubeconfig) as server:
            return get_custom_columns(server, PODS, COLUMNS)

    return work


def printed(kubeconfig: Path):
    """Read what kubectl prints with our helper."""
    from helpers.apireader import ApiReader
    from helpers.tables import get_table

    def work():
        with ApiReader(kubeconfig) as server:
            return get_table(server, PODS, wide=True)

    return work


def official(kubeconfig: Path):
    """Read the columns with the official client."""
    import pandas as pd
    from kubernetes.utils.quantity import parse_quantity

    def number(amounts: dict | None, name: str) -> float | None:
        text = (amounts or {}).get(name)
        return None if text is None else float(parse_quantity(text))

    def row(pod) -> tuple:
        first = pod.spec.containers[0].resources
        state = (pod.status.container_statuses or [None])[0]
        return (
            pod.metadata.namespace,
            pod.metadata.name,
            (pod.metadata.labels or {}).get("app.kubernetes.io/name"),
            pod.metadata.creation_timestamp,
            pod.metadata.owner_references[0].name,
            pod.spec.node_name,
            number(first.requests, "cpu"),
            number(first.requests, "memory"),
            number(first.limits, "memory"),
            pod.status.phase,
            pod.status.pod_ip,
            state and state.ready,
            state and state.restart_count,
            pod.status.start_time,
        )

    # What it imports when it is first used is no part of a list.
    official_api(kubeconfig).list_namespaced_pod("team-000", limit=1)

    def work():
        api = official_api(kubeconfig)
        pods = api.list_pod_for_all_namespaces().items
        return pd.DataFrame([row(pod) for pod in pods], columns=list(COLUMNS))

    return work


def official_api(kubeconfig: Path):
    """Return the official client of the core group, with a connection of its own."""
    from kubernetes import client, config

    return client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))


READERS = {one.__name__: one for one in (floor, full, printed, official)}


def read(name: str, kubeconfig: Path) -> None:
    """Run one reader in this process, and print its figures and what it read."""
    work = READERS[name](kubeconfig)
    result, figures_ = figures.timed(work)
    if name == "floor":
        figures_["bytes"] = result
    else:
        figures_["frame"] = int(result.memory_usage(deep=True).sum())
        figures_["rows"] = len(result)
        kept = result[PRINTED] if name == "printed" else result
        figures_["values"] = fingerprint(kept)
    print(json.dumps(figures_))


def fingerprint(frame) -> str:
    """Return a hash of all values of a frame, in its order; missing is null."""
    import pandas as pd

    digest = hashlib.sha256()
    for row in frame.astype(object).itertuples(index=False):
        values = [None if pd.isna(v) else plain(v) for v in row]
        digest.update(json.dumps(values).encode())
    return digest.hexdigest()


def plain(value: object) -> object:
    """Return a value as JSON has it: times since the epoch, all numbers alike."""
    if hasattr(value, "timestamp"):
        return value.timestamp()
    return value if isinstance(value, bool | str) else float(value)


def expected(kubeconfig: Path) -> str:
    """Return the hash of what the printed columns must be, by way of kubectl."""
    import pandas as pd

    output = subprocess.run(kubectl(kubeconfig), check=True, stdout=subprocess.PIPE)
    pods = json.loads(output.stdout)["items"]
    rows = [printed_row(pod) for pod in pods]
    return fingerprint(pd.DataFrame(rows, columns=PRINTED))


def printed_row(pod: dict) -> tuple:
    """Return what kubectl prints of a pod that runs, or waits, without trouble."""
    states = pod["status"].get("containerStatuses", [])
    ready = sum(state["ready"] for state in states)
    return (
        pod["metadata"]["namespace"],
        pod["metadata"]["name"],
        f"{ready}/{len(pod['spec']['containers'])}",
        pod["status"]["phase"],
        str(sum(state["restartCount"] for state in states)),
        pod["status"].get("podIP"),
        pod["spec"]["nodeName"],
    )


def kubectl(kubeconfig: Path) -> list[str]:
    """Return the command that reads all pods with kubectl."""
    from cluster import binaries

    program = str(binaries.find() / "kubectl")
    return [program, f"--kubeconfig={kubeconfig}", "get", "pods", "-A", "-o", "json"]


def measure(kubeconfig: Path, rounds: int) -> dict[str, list[dict]]:
    """Run all readers in turn, `rounds` times; return the runs of each."""
    run = functools.partial(figures.child, __file__, "--kubeconfig", str(kubeconfig))
    found: dict[str, list[dict]] = {name: [] for name in (*READERS, "kubectl")}
    for number in range(1, rounds + 1):
        for name in READERS:
            found[name].append(run("--read", name))
        found["kubectl"].append(figures.whole(kubectl(kubeconfig)))
        seconds = ", ".join(
            f"{n} {runs[-1]['seconds']:.2f}" for n, runs in found.items()
        )
        print(f"round {number}: {seconds}; {figures.surroundings()}", flush=True)
    return found


def agree(found: dict[str, list[dict]], kubeconfig: Path, rows: int) -> None:
    """End the program unless all have read the same rows and the same values."""
    wanted = {run["values"] for run in found["official"]}
    assert {run["values"] for run in found["full"]} == wanted, "full: other values"
    wanted = {expected(kubeconfig)}
    assert {run["values"] for run in found["printed"]} == wanted, "printed: others"
    for name in ("official", "full", "printed"):
        assert {run["rows"] for run in found[name]} == {rows}, f"{name}: other rows"
    print(f"All read the same {rows:,} rows, and the same values.")


def report(found: dict[str, list[dict]]) -> None:
    """Print the medians, and the ratios beside their goals."""
    base = figures.median(found["floor"])
    size = found["floor"][-1]["bytes"] / 1e6
    print(
        f"\n{'':<12}{'median s':>9}{'min':>7}{'max':>7}{'x floor':>9}{'cpu s':>7}"
        f"{'peak MB':>9}   (the list is {size:.1f} MB of JSON)"
    )
    for name, runs in found.items():
        seconds = [run["seconds"] for run in runs]
        middle, peak = figures.median(runs), runs[0]["peak"]
        peak = f"{figures.median(runs, 'peak') / 1e6:9.0f}" if peak else f"{'':9}"
        print(
            f"{name:<12}{middle:9.3f}{min(seconds):7.3f}{max(seconds):7.3f}"
            f"{middle / base:9.2f}{figures.median(runs, 'cpu'):7.2f}{peak}"
        )
    ratio = {name: figures.median(runs) / base for name, runs in found.items()}
    peaks = {
        n: figures.median(found[n], "peak") for n in ("full", "printed", "official")
    }
    print()
    figures.goal("full fields, of the floor", ratio["full"], "<= 0.75")
    figures.goal(
        "official client, of full fields", ratio["official"] / ratio["full"], ">= 14"
    )
    figures.goal(
        "kubectl get -o json, of full fields", ratio["kubectl"] / ratio["full"], ">= 6"
    )
    figures.goal("printed columns, of the floor", ratio["printed"], "<= 0.16")
    figures.goal(
        "official client, of printed columns",
        ratio["official"] / ratio["printed"],
        ">= 60",
    )
    for name in ("full", "printed"):
        what = f"peak memory, {name}, of the official client's"
        figures.goal(what, peaks[name] / peaks["official"], "<= 0.27")


def growth(directory: Path, kubeconfig: Path, rows: int) -> None:
    """Print how the memory beside the frame grows with a list ten times as long.

    These pods have not started: only half as many requests make them.
    """
    found: dict[str, list[list[dict]]] = {"full": [], "printed": []}
    for first, last in ((0, rows), (rows, 10 * rows)):
        fill(directory, kubeconfig, first, last, started=False)
        for name, measured in found.items():
            arguments = ("--kubeconfig", str(kubeconfig), "--read", name)
            measured.append([figures.child(__file__, *arguments) for _ in range(3)])
            assert {run["rows"] for run in measured[-1]} == {last}, "other rows"
    print()
    for name, (few, many) in found.items():
        before, now = (
            statistics.median(run["peak"] - run["frame"] for run in runs) / 1e6
            for runs in (few, many)
        )
        print(
            f"{name}: {many[0]['rows']:,} rows in {figures.median(many):.2f} s, frame "
            f"{many[0]['frame'] / 1e6:.0f} MB; beside it {before:.0f} MB with "
            f"{few[0]['rows']:,} rows, {now:.0f} MB with all"
        )
        what = f"memory beside the frame, {name}, ten times the rows"
        figures.goal(what, now / before, "<= 1.2")


def main() -> None:
    """Put the pods there, measure, compare; then ten times as many."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument(
        "--data", type=Path, help="keep the objects here, for next time"
    )
    parser.add_argument("--read", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--kubeconfig", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read, options.kubeconfig)
        return
    with tempfile.TemporaryDirectory(prefix="lists-") as directory:
        place = options.data or Path(directory)
        with plane.running(place / "started") as kubeconfig:
            fill(place / "started", kubeconfig, 0, options.rows, started=True)
            found = measure(kubeconfig, options.runs)
            agree(found, kubeconfig, options.rows)
        report(found)
        # Never kept: it is measured while it grows.
        many = Path(directory, "many")
        with plane.running(many) as kubeconfig:
            growth(many, kubeconfig, options.rows)


def fill(
    directory: Path, kubeconfig: Path, first: int, last: int, *, started: bool
) -> None:
    """Put the pods there, unless that was done before."""
    done = directory / f"{last}-pods"
    if not done.exists():
        print(f"putting {last - first:,} pods into an API server", flush=True)
        pods.Writer(kubeconfig).put_pods(first, last, started=started)
        done.touch()


if __name__ == "__main__":
    main()
