"""Describe every component of the local cluster; nothing runs here.

The differences from a usual (kubeadm) cluster are in cluster/docs/cluster.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from string import Template

from cluster.machine import audit, layout as at

#: Ready but for two hooks, which sleep for a second before they fill an empty etcd with
#: the default roles and priority classes. Where those are, nothing is left to wait for.
SERVES = (
    "/readyz?exclude=poststarthook/rbac/bootstrap-roles"
    "&exclude=poststarthook/scheduling/bootstrap-system-priority-classes"
)

#: threads of one user in pods, for uid 0 with the components; dash has the option -p,
#: bash -u
THREADS = 3072
#: A lab keeps none of these busy. On one processor each, as Go sees it, they do not
#: wake threads of their own and wait for them, while the API server needs the others.
SMALL = {"GOMAXPROCS": "1"}


@dataclass(frozen=True)
class Component:
    """A process of the cluster."""

    name: str
    argv: tuple[str, ...]
    #: ready when this URL answers with 200, or this unix socket accepts
    ready: str = ""
    #: components that must be ready first, and the URL that must answer then
    needs: tuple[str, ...] = ()
    after: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    #: a job that ends with 0 instead of staying
    once: bool = False
    #: seconds between SIGTERM and SIGKILL
    grace: float = 2.0
    #: components that must have ended before this one is asked to end
    stop_after: tuple[str, ...] = ()
    #: the start does not wait for it, and does not fail with it
    background: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts of a machine that the components depend on; by default the least."""

    #: the interpreter of our scripts, "" where no component is one of them
    python: str = ""
    #: the OCI runtime, "" where no container runs
    runc: str = ""
    #: runc can filter system calls
    seccomp: bool = False
    #: containerd's; "native" works on every file system of a state directory
    snapshotter: str = "native"
    #: kube-proxy can run
    service_proxy: bool = False
    #: etcd was filled before, by this API server
    bootstrapped: bool = False
    #: no API server has filled etcd, which is to be seeded
    empty: bool = False
    #: an image archive still to be imported
    import_archive: str | None = None
    #: cgroups enforce limits
    limits: bool = False
    #: no other id than root's exists
    single_id: bool = False
    #: the `oom_score_adj` of all: a component that may not lower its own keeps trying
    oom_score: int = 0


#: Read while the package can still be seen: PID 1 leaves the host's files behind.
_CONFIG = {
    path.name: Template(path.read_text())
    for path in Path(__file__).with_name("config").iterdir()
}


def _file(name: str, **facts: object) -> str:
    """Return a file of `config/`, with the names of `layout` and with `facts`."""
    values = {key: json.dumps(value) for key, value in facts.items()}
    return _CONFIG[name].substitute(vars(at), **values)


def describe(facts: Facts) -> tuple[Component, ...]:
    """Return the components in the order in which they are started."""
    parts = [
        etcd(),
        *([seed(facts)] if facts.empty else []),
        kube_apiserver(facts),
        containerd(facts),
        kube_controller_manager(),
        kube_scheduler(),
        kubelet(facts),
        registry(facts),
        coredns(),
    ]
    if facts.service_proxy:
        parts.append(kube_proxy(facts))
    if facts.import_archive:
        parts.append(image_import(facts.import_archive, facts.snapshotter))
    if facts.empty:
        # Components that need the default roles; usually those are there by then.
        parts = [
            replace(part, needs=(*part.needs, "seed"))
            if "kube-apiserver" in part.needs
            else part
            for part in parts
        ]
    return tuple(parts)


def etcd() -> Component:
    """Describe etcd: clients and peers on unix sockets, health on loopback."""
    # The port after the path, for etcd's URL parser, is part of the file's name.
    client, peer = f"unix://{at.RUN}/etcd.sock:0", f"unix://{at.RUN}/etcd-peer.sock:0"
    return Component(
        "etcd",
        (
            f"{at.BIN}/etcd",
            "--name=lab",
            f"--data-dir={at.ETCD_DATA}",
            f"--listen-client-urls={client}",
            f"--listen-peer-urls={peer}",
            # Nobody reads what a single member advertises, and before 3.7 etcd refuses
            # a socket there.
            "--advertise-client-urls=http://localhost:0",
            "--initial-advertise-peer-urls=http://localhost:0",
            "--initial-cluster=lab=http://localhost:0",
            # No data here: /health and /metrics, as kubeadm does it.
            "--listen-metrics-urls=http://127.0.0.1:2381",
            # A single member elects itself after 50 to 250 ms, before the API server
            # asks; by default after up to a second.
            "--election-timeout=250",
            "--heartbeat-interval=50",
            # A lab may lose its last writes in a power cut; it saves seconds here.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        ready="http://127.0.0.1:2381/health",
        env=SMALL,
        # With etcd gone the API server does not end within its own grace.
        stop_after=("kube-apiserver",),
    )


def seed(facts: Facts) -> Component:
    """Describe the job that gives an empty etcd the default roles."""
    script, objects = f"{at.ETC}/seed.py", f"{at.ETC}/seed.jsonl"
    return Component(
        "seed",
        (facts.python, "-ISE", script, objects, f"{at.RUN}/etcd.sock:0"),
        needs=("etcd",),
        once=True,
    )


def kube_apiserver(facts: Facts) -> Component:
    """Describe the API server."""
    policy = f"{at.ETC}/audit.yaml"
    ready = SERVES if facts.bootstrapped or facts.empty else "/readyz"
    return Component(
        "kube-apiserver",
        (
            f"{at.BIN}/kube-apiserver",
            f"--etcd-servers=unix://{at.RUN}/etcd.sock:0",
            "--bind-address=0.0.0.0",
            f"--secure-port={at.API_PORT}",
            # Without a default route it cannot find an address by itself.
            f"--advertise-address={at.NODE_IP}",
            f"--service-cluster-ip-range={at.SERVICE_CIDR}",
            f"--tls-cert-file={at.PKI}/apiserver.crt",
            f"--tls-private-key-file={at.PKI}/apiserver.key",
            f"--client-ca-file={at.PKI}/ca.crt",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--service-account-issuer=https://kubernetes.default.svc.{at.CLUSTER_DOMAIN}",
            f"--service-account-signing-key-file={at.PKI}/sa.key",
            f"--service-account-key-file={at.PKI}/sa.pub",
            # By default a request for 3607 s is answered with a token of one year.
            "--service-account-extend-token-expiration=false",
            f"--kubelet-client-certificate={at.PKI}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={at.PKI}/apiserver-kubelet-client.key",
            f"--kubelet-certificate-authority={at.PKI}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            # For aggregated API servers, which find these names in the ConfigMap
            # kube-system/extension-apiserver-authentication.
            f"--proxy-client-cert-file={at.PKI}/front-proxy-client.crt",
            f"--proxy-client-key-file={at.PKI}/front-proxy-client.key",
            f"--requestheader-client-ca-file={at.PKI}/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            # A Service's address needs kube-proxy; without a node it may be another's.
            "--enable-aggregator-routing=true",
            # Without it SIGTERM takes a minute while a watch is open.
            "--shutdown-watch-termination-grace-period=1s",
            *(
                f"--{name}={value}"
                for name, value in audit.options(policy, at.AUDIT).items()
            ),
            "--profiling=false",
        ),
        files={policy: audit.policy()},
        ready=f"https://127.0.0.1:{at.API_PORT}{ready}",
        grace=3.5,
        stop_after=("kubelet", "kube-controller-manager", "kube-scheduler"),
    )


def kube_controller_manager() -> Component:
    """Describe the controller manager."""
    return Component(
        "kube-controller-manager",
        (
            f"{at.BIN}/kube-controller-manager",
            f"--kubeconfig={at.PKI}/controller-manager.conf",
            f"--authentication-kubeconfig={at.PKI}/controller-manager.conf",
            f"--authorization-kubeconfig={at.PKI}/controller-manager.conf",
            # At the default 20 the ServiceAccount `default` comes after 9 s.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--tls-cert-file={at.PKI}/controller-manager.crt",
            f"--tls-private-key-file={at.PKI}/controller-manager.key",
            "--use-service-account-credentials=true",
            f"--root-ca-file={at.PKI}/ca.crt",
            f"--service-account-private-key-file={at.PKI}/sa.key",
            f"--cluster-signing-cert-file={at.PKI}/ca.crt",
            f"--cluster-signing-key-file={at.PKI}/ca.key",
            "--profiling=false",
        ),
        ready="https://127.0.0.1:10257/healthz",
        env=SMALL,
        needs=("kube-apiserver",),
        # The controller manager asks for that at once, and then each second.
        after=f"https://127.0.0.1:{at.API_PORT}/readyz",
    )


def kube_scheduler() -> Component:
    """Describe the scheduler."""
    return Component(
        "kube-scheduler",
        (
            f"{at.BIN}/kube-scheduler",
            f"--kubeconfig={at.PKI}/scheduler.conf",
            f"--authentication-kubeconfig={at.PKI}/scheduler.conf",
            f"--authorization-kubeconfig={at.PKI}/scheduler.conf",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--tls-cert-file={at.PKI}/scheduler.crt",
            f"--tls-private-key-file={at.PKI}/scheduler.key",
            "--profiling=false",
        ),
        ready="https://127.0.0.1:10259/healthz",
        env=SMALL,
        needs=("kube-apiserver",),
    )


def containerd(facts: Facts) -> Component:
    """Describe containerd with its CNI network and OCI runtime."""
    config, cni = f"{at.ETC}/containerd.toml", f"{at.ETC}/cni"
    pretending = (facts.python, "-ISE", f"{at.ETC}/pretend.py")
    return Component(
        "containerd",
        (
            *(pretending if facts.single_id else ()),
            f"{at.BIN}/containerd",
            "--config",
            config,
        ),
        ready=at.CONTAINERD_SOCKET,
        files={
            config: _file("containerd.toml", snapshotter=facts.snapshotter),
            f"{cni}/10-bridge.conflist": json.dumps(cni_config(facts), indent=1),
            # Our registry is asked for all images.
            f"{at.ETC}/registries/_default/hosts.toml": _file("hosts.toml"),
            f"{at.ETC}/runtime": runtime_script(facts),
        },
        stop_after=("kubelet",),
    )


def cni_config(facts: Facts) -> dict:
    """Return the pod network: a bridge, and `hostPort` where kube-proxy can run."""
    host_ports = {
        "type": "portmap",
        "capabilities": {"portMappings": True},
        "backend": "nftables",
        # The node reaches them under 127.0.0.1, too.
        "snat": True,
    }
    return {
        "cniVersion": "1.0.0",
        "name": "lab",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                # The machine has no other network to masquerade to.
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-ipam",
                    "ranges": [[{"subnet": at.POD_CIDR}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            *([host_ports] if facts.service_proxy else []),
        ],
    }


def runtime_script(facts: Facts) -> str:
    """Return the OCI runtime: runc, with each new bundle made fit for a user.

    A pod gets fewer threads than the machine has: a fork bomb leaves some for `kill`.
    """
    have = {"seccomp": facts.seccomp, "cgroups": facts.limits}
    without = "".join(f" --without-{name}" for name in have if not have[name])
    runc = quote(facts.runc)
    return f"""#!/bin/sh
fewer() {{ ulimit -u {THREADS} || ulimit -p {THREADS}; }} 2> /dev/null
for word in "$@"; do
  case $word in
    exec) fewer; break ;;
    create | run)
      fewer
      exec {quote(facts.python)} -ISE {at.ETC}/oci.py{without} {runc} "$@" ;;
  esac
done
exec {runc} "$@"
"""


def kubelet(facts: Facts) -> Component:
    """Describe the kubelet."""
    config = f"{at.ETC}/kubelet.yaml"
    return Component(
        "kubelet",
        (
            f"{at.BIN}/kubelet",
            f"--config={config}",
            f"--kubeconfig={at.PKI}/kubelet.conf",
            "--root-dir=/var/lib/kubelet",
            f"--hostname-override={at.NODE_NAME}",
            f"--node-ip={at.NODE_IP}",
            "--v=1",
        ),
        ready="http://127.0.0.1:10248/healthz",
        env=SMALL,
        # Not the API server, which the kubelet asks for pods a second after its start;
        # what a node may do is built in, not a role. On an empty etcd a little later:
        # after that second there must be a Node.
        needs=("containerd", *(["seed"] if facts.empty else [])),
        files={
            config: _file(
                "kubelet.yaml",
                limits=facts.limits,
                enforced=["pods"] if facts.limits else [],
                pids=512 if facts.limits else -1,
                seccomp=facts.seccomp,
                oom_score=facts.oom_score,
            )
        },
    )


def coredns() -> Component:
    """Describe CoreDNS, on the Service's address and on the node's."""
    corefile = f"{at.ETC}/Corefile"
    return Component(
        "coredns",
        (f"{at.BIN}/coredns", "-conf", corefile),
        ready="http://127.0.0.1:8181/ready",
        env=SMALL,
        needs=("kube-apiserver",),
        files={corefile: _file("Corefile")},
    )


def kube_proxy(facts: Facts) -> Component:
    """Describe kube-proxy, which makes ordinary Services work; it needs `nft`."""
    config = f"{at.ETC}/kube-proxy.yaml"
    return Component(
        "kube-proxy",
        (f"{at.BIN}/kube-proxy", f"--config={config}"),
        ready="http://127.0.0.1:10256/healthz",
        env=SMALL,
        needs=("kube-apiserver",),
        files={config: _file("kube-proxy.yaml", oom_score=facts.oom_score)},
    )


def registry(facts: Facts) -> Component:
    """Describe the registry, which refuses images that are not imported."""
    port = at.REGISTRY_PORT
    script, ctr = f"{at.ETC}/registry.py", f"{at.BIN}/ctr"
    return Component(
        "registry",
        (facts.python, "-ISE", script, ctr, at.CONTAINERD_SOCKET, str(port)),
        ready=f"http://127.0.0.1:{port}/v2/",
        # The processors have more urgent work until the first pull.
        needs=("kubelet",),
        grace=0.5,
    )


_CTR = (f"{at.BIN}/ctr", "--address", at.CONTAINERD_SOCKET, "--namespace=k8s.io")


def image_import(archive: str, snapshotter: str) -> Component:
    """Describe the one-time import of the suite's image."""
    return Component(
        "image-import",
        (
            *_CTR,
            "images",
            "import",
            # Unpacked by ctr itself, and not sent through containerd: a quarter less.
            "--local",
            # Not told, ctr makes overlays, whatever containerd does.
            f"--snapshotter={snapshotter}",
            archive,
        ),
        needs=("containerd",),
        once=True,
    )


def image_prune() -> Component:
    """Describe the job that removes packed layers, which pods do not need."""
    return Component(
        "image-prune",
        (*_CTR, "content", "prune", "references"),
        needs=("image-import",),
        once=True,
    )
