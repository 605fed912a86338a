"""Start an API server and its etcd, and nothing else: the ground of a measurement.

The same programs as in the local cluster. There is no controller, no scheduler and no
kubelet, so objects stay as they were put, and nobody else uses the processor.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from cluster import binaries, errors, pki
from cluster.die_with_parent import die_with_parent
from cluster.local import kubeconfigs
from cluster.processes import end_process
from cluster.statedir import write_private
from helpers.caller import Caller

#: seconds until the API server must be ready; with 100,000 pods it reads for a while
PATIENCE = 180.0


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Path]:
    """Yield the kubeconfig of an API server on 127.0.0.1; end it with the block.

    Keys, objects and logs are in `directory`, and are used again if they are there.
    """
    programs = binaries.find()
    if programs is None:
        raise SystemExit("There are no binaries yet: run `make setup`.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki.ensure(directory / "pki")
    with socket.socket() as listener:
        # Bound here, handed to nobody: kube-apiserver shares the port, so that no
        # one else gets it in between.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        kubeconfig = directory / "kubeconfig"
        document = kubeconfigs.kubeconfig(
            directory / "pki", "super-admin", server=f"https://127.0.0.1:{port}"
        )
        write_private(kubeconfig, json.dumps(document))
        with (
            _process(etcd(programs), directory) as store,
            _process(kube_apiserver(programs, port), directory) as server,
        ):
            _until_ready(kubeconfig, store, server)
            yield kubeconfig


def etcd(programs: Path) -> list[str]:
    """Return the command line of etcd: sockets in its directory, no port."""
    client, peer = "unix://etcd.sock:0", "unix://peer.sock:0"
    return [
        str(programs / "etcd"),
        "--name=bench",
        "--data-dir=data",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=bench={peer}",
        "--unsafe-no-fsync",
        # 100,000 pods are 2 GB with their history.
        "--quota-backend-bytes=8000000000",
        "--log-level=warn",
    ]


def kube_apiserver(programs: Path, port: int) -> list[str]:
    """Return the command line of the API server, with the defaults that matter."""
    return [
        str(programs / "kube-apiserver"),
        "--etcd-servers=unix://etcd.sock:0",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing=true",
        "--advertise-address=172.30.0.1",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=Node,RBAC",
        "--tls-cert-file=pki/apiserver.crt",
        "--tls-private-key-file=pki/apiserver.key",
        "--client-ca-file=pki/ca.crt",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-signing-key-file=pki/sa.key",
        "--service-account-key-file=pki/sa.pub",
        "--shutdown-watch-termination-grace-period=1s",
    ]


@contextlib.contextmanager
def _process(command: list[str], directory: Path) -> Iterator[subprocess.Popen]:
    log = directory / f"{Path(command[0]).name}.log"
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={"HOME": str(directory), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # A measurement that is killed leaves no server behind.
            preexec_fn=die_with_parent,
        )
    try:
        yield process
    finally:
        end_process(process, 20)


def _until_ready(kubeconfig: Path, *processes: subprocess.Popen) -> None:
    admin = Caller.from_kubeconfig(kubeconfig)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for process in processes:
            if process.poll() is not None:
                raise SystemExit(f"{process.args[0]} ended: see the logs beside it")
        with contextlib.suppress(errors.Unreachable):
            if admin.get("/readyz").status == 200:
                return
        time.sleep(0.05)
    raise SystemExit(f"the API server is not ready after {PATIENCE:.0f} s")
