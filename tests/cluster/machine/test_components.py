"""What the descriptions of the components mean, and that their table stays true."""

import ipaddress
import json
import re
import subprocess
import tomllib
from dataclasses import replace

import pytest

from cluster import backend
from cluster.machine import bootstrap, components, layout
from cluster.machine.components import Connect, Facts, Get
from tests import doctable

FACTS = Facts(
    python="/usr/bin/python3",
    runc="/usr/sbin/runc",
    seccomp=True,
    snapshotter="overlayfs",
    service_proxy=True,
    import_archive="/run/lab/images/toolbox.tar",
)
AGAIN = replace(FACTS, bootstrapped=True, import_archive=None)
EMPTY = replace(FACTS, empty=True)
LIMITS = replace(FACTS, limits=True)
LEAST = Facts("/usr/bin/python3", "/run/lab/bin/runc", False, "native", False)


def named(facts=FACTS):
    return {part.name: part for part in components.describe(facts)}


def options(name):
    """Return the command line of a component as a dict."""
    words = [word for word in named()[name].argv if word.startswith("--")]
    pairs = [word.partition("=") for word in words]
    assert len(pairs) == len({key for key, _, _ in pairs}), "an option given twice"
    return {key: value for key, _, value in pairs}


def texts(part):
    return [*part.argv, *part.files.values(), *part.env.values()]


@pytest.mark.parametrize("facts", [FACTS, LEAST, AGAIN, EMPTY])
def test_each_component_comes_after_those_it_needs(facts):
    parts, seen = named(facts), set()
    assert len(parts) == len(components.describe(facts))
    for part in parts.values():
        assert set(part.needs) <= seen, part.name
        seen.add(part.name)
        assert set(part.stop_after) <= set(parts)


def test_only_on_an_etcd_of_another_version_somebody_waits_for_the_roles():
    waiting = {p.name for p in named().values() if "kube-apiserver" in p.needs}
    assert waiting == set(named()) - {
        *("etcd", "kube-apiserver", "containerd", "kubelet", "registry"),
        "image-import",
    }
    cases = (FACTS, AGAIN, EMPTY)
    first, *others = (named(facts)["kube-apiserver"].ready.url for facts in cases)
    assert first.endswith("/readyz")
    assert all("exclude=poststarthook/rbac/bootstrap-roles" in url for url in others)
    assert set(named(EMPTY)) - set(named()) == {"seed"}
    seeded = {name for name, part in named(EMPTY).items() if "seed" in part.needs}
    assert seeded == {*waiting, "kubelet"}
    # The whole answer is still waited for before the cluster is called ready.
    assert bootstrap._SERVICE.url.endswith("/readyz")


def test_each_component_has_a_log_that_can_be_asked_for():
    assert {*named(EMPTY), "machine"} == {*backend.LOCAL}


def test_what_the_machine_lacks_is_left_out():
    assert set(named(FACTS)) - set(named(LEAST)) == {"kube-proxy", "image-import"}


@pytest.mark.parametrize("part", named().values(), ids=lambda part: part.name)
def test_every_address_is_inside_the_machine(part):
    inside = [
        ipaddress.ip_network(cidr)
        for cidr in (
            "127.0.0.0/8",
            layout.NODE_IP,
            layout.SERVICE_CIDR,
            layout.POD_CIDR,
        )
    ]
    for text in texts(part):
        for found in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text):
            address = ipaddress.ip_address(found)
            # Every interface there is belongs to the network namespace of the machine.
            everywhere = found == "0.0.0.0"
            assert everywhere or any(address in network for network in inside), text


def test_only_pods_and_the_node_reach_what_listens_everywhere():
    everywhere = {
        name
        for name, part in named().items()
        if name != "containerd" and any("0.0.0.0" in text for text in texts(part))
    }
    assert everywhere == {"kube-apiserver", "kubelet"}
    # There it is the pods' default route.
    assert components.cni_config(FACTS)["plugins"][0]["ipam"]["routes"] == [
        {"dst": "0.0.0.0/0"}
    ]


def test_ports_of_the_node_are_for_pods_where_kube_proxy_runs():
    kinds = [
        [plugin["type"] for plugin in components.cni_config(facts)["plugins"]]
        for facts in (FACTS, LEAST)
    ]
    assert kinds == [["bridge", "portmap"], ["bridge"]]


def test_no_path_is_the_hosts():
    inside = ("/run/", "/var/lib/", "/usr/", "/etc/")
    for part in named().values():
        for text in part.argv:
            for path in re.findall(r"(?<![\w./:])/[\w./-]+", text):
                assert path.startswith(inside), (part.name, path)


def test_unix_sockets_are_short_enough():
    for part in named().values():
        for text in texts(part):
            for path in re.findall(r"unix://(/[^\s\"',]+)", text):
                assert len(path) < 100, path
    assert len(layout.CONTAINERD_SOCKET) < 100


def test_etcd_has_no_port_but_for_its_health():
    given = options("etcd")
    urls = {key: value for key, value in given.items() if key.endswith("urls")}
    assert urls.pop("--listen-metrics-urls") == "http://127.0.0.1:2381"
    assert len(urls) == 4
    assert all(
        value.startswith("unix:///run/lab/state/run/") for value in urls.values()
    )
    assert options("kube-apiserver")["--etcd-servers"] == given["--listen-client-urls"]


def test_what_a_lesson_can_keep_busy_has_all_processors():
    held = {name for name, part in named().items() if "GOMAXPROCS" in part.env}
    assert held, "an idle cluster would wake threads for nothing"
    assert not held & {"kube-apiserver", "containerd", "image-import"}


def test_etcd_is_elected_soon_and_beats_no_more_often_than_it_must():
    given = options("etcd")
    heartbeat, election = (
        int(given[name]) for name in ("--heartbeat-interval", "--election-timeout")
    )
    assert election <= 250, "the API server would have to wait for it"
    # With less than that etcd does not start.
    assert election == 5 * heartbeat


@pytest.mark.parametrize("part", named().values(), ids=lambda part: part.name)
def test_readiness_is_the_components_own_answer(part):
    match part.ready:
        case Get(url):
            assert url.startswith(("http://127.0.0.1:", "https://127.0.0.1:"))
            # The last one is how a registry says that it is one.
            assert url.endswith(("/health", "/healthz", "/readyz", "/ready", "/v2/"))
        case Connect(path):
            assert (part.name, path) == ("containerd", layout.CONTAINERD_SOCKET)
        case None:
            assert part.once


def test_the_stop_begins_with_those_who_write():
    parts = named()
    assert parts["etcd"].stop_after == ("kube-apiserver",)
    assert "kubelet" in parts["kube-apiserver"].stop_after
    assert parts["containerd"].stop_after == ("kubelet",)


def test_a_stop_fits_into_five_seconds():
    """The graces of the longest chain, should each of it need all of its own."""
    parts = named()

    def longest(name):
        before = [longest(other) for other in parts[name].stop_after]
        return parts[name].grace + max(before, default=0.0)

    assert longest("etcd") <= 8.0, "then the machine is killed"
    # The API server's own part of it: its watches end after a second.
    assert (
        options("kube-apiserver")["--shutdown-watch-termination-grace-period"] == "1s"
    )


def test_service_account_tokens_and_certificates_have_keys_of_their_own():
    api, kcm = options("kube-apiserver"), options("kube-controller-manager")
    signing = api["--service-account-signing-key-file"]
    assert signing == kcm["--service-account-private-key-file"]
    keys = [signing, api["--tls-private-key-file"], api["--kubelet-client-key"]]
    keys += [kcm["--tls-private-key-file"], kcm["--cluster-signing-key-file"]]
    keys += [api["--proxy-client-key-file"]]
    assert len(set(keys)) == len(keys)


def test_what_the_security_benchmark_asks_of_command_lines():
    api = options("kube-apiserver")
    assert api["--authorization-mode"] == "Node,RBAC"
    assert "NodeRestriction" in api["--enable-admission-plugins"]
    assert "--kubelet-certificate-authority" in api
    assert "--anonymous-auth" not in api, "the lessons show 403 for anonymous"
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        assert options(name)["--profiling"] == "false"
    for name in ("kube-controller-manager", "kube-scheduler"):
        assert options(name)["--bind-address"] == "127.0.0.1"
    kcm = options("kube-controller-manager")
    assert kcm["--use-service-account-credentials"] == "true"
    assert kcm["--root-ca-file"].endswith("/ca.crt")
    kubelet = components.kubelet_config(FACTS)
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}
    assert kubelet["readOnlyPort"] == 0


def test_files_are_what_they_claim_to_be():
    for part in named().values():
        for name, content in part.files.items():
            assert name.startswith(f"{layout.ETC}/")
            if name.endswith((".yaml", ".conflist")):
                assert isinstance(json.loads(content), dict)
            elif name.endswith(".toml"):
                tomllib.loads(content)
            else:
                assert name.endswith(("/runtime", "/Corefile"))


def test_containerd_is_told_what_the_machine_found_out():
    config = tomllib.loads(components.containerd_config(FACTS, "/cni"))
    plugins = config["plugins"]
    assert plugins["io.containerd.cri.v1.images"]["snapshotter"] == "overlayfs"
    runtime = plugins["io.containerd.cri.v1.runtime"]
    assert runtime["cni"] == {"bin_dirs": [layout.BIN], "conf_dir": "/cni"}
    runc = runtime["containerd"]["runtimes"]["runc"]["options"]["BinaryName"]
    assert runc in named()["containerd"].files
    native = tomllib.loads(components.containerd_config(LEAST, "/cni"))
    assert native["plugins"]["io.containerd.cri.v1.images"]["snapshotter"] == "native"


@pytest.mark.parametrize("seccomp", [True, False])
@pytest.mark.parametrize("limits", [True, False])
@pytest.mark.parametrize(
    ("arguments", "wrapped"),
    [
        (["--root", "/r", "create", "--bundle", "/b", "id"], True),
        (["run", "id"], True),
        (["--root", "/r", "state", "id"], False),
        (["kill", "id", "9"], False),
    ],
)
def test_the_runtime_wraps_only_what_carries_a_bundle(
    tmp_path, seccomp, limits, arguments, wrapped
):
    odd = tmp_path / "it's a $HOME `dir`"
    odd.mkdir()
    for name in ("python", "runc"):
        (odd / name).write_text(f'#!/bin/sh\necho {name}; printf "%s\\n" "$@"\n')
        (odd / name).chmod(0o755)
    script = components.runtime_script(
        Facts(f"{odd}/python", f"{odd}/runc", seccomp, "overlayfs", True, limits=limits)
    )
    (tmp_path / "runtime").write_text(script)
    done = subprocess.run(
        ["sh", tmp_path / "runtime", *arguments], capture_output=True, text=True
    )
    plain = [f"{odd}/runc", *arguments]
    options = [] if seccomp else ["--without-seccomp"]
    options += [] if limits else ["--without-cgroups"]
    expected = (
        ["python", "-ISE", f"{layout.ETC}/oci.py", *options, *plain]
        if wrapped
        else ["runc", *arguments]
    )
    assert (done.stdout.splitlines(), done.stderr) == (expected, "")


# The table at the top of the module, row by row, as facts of the descriptions.
TABLE = {
    "control plane": lambda: (
        {"etcd", "kube-apiserver", "kube-scheduler"} <= set(named())
    ),
    "etcd": lambda: options("etcd")["--listen-client-urls"].startswith("unix://"),
    "default roles": lambda: named(EMPTY)["seed"].needs == ("etcd",),
    "etcd durability": lambda: "--unsafe-no-fsync" in options("etcd"),
    "token lifetime": lambda: (
        options("kube-apiserver")["--service-account-extend-token-expiration"]
        == "false"
    ),
    "limits": lambda: all(
        components.kubelet_config(facts)["cgroupsPerQOS"] is facts.limits
        and ("--without-cgroups" in components.runtime_script(facts)) != facts.limits
        for facts in (FACTS, LIMITS)
    ),
    "resize of a pod": lambda: all(
        post.wanted is not limits
        for limits in (False, True)
        for post in bootstrap.posts(limits=limits, ca="")
        if "resize" in json.dumps(post.body)
    ),
    "files and processes": lambda: all(
        (f"{layout.ETC}/pretend.py" in named(facts)["containerd"].argv)
        is facts.single_id
        and all(
            post.wanted is facts.single_id
            for post in bootstrap.posts(limits=True, single_id=facts.single_id, ca="")
            if post.body["metadata"]["name"] == "no-other-id"
        )
        for facts in (FACTS, replace(FACTS, single_id=True))
    ),
    "processes of a pod": lambda: (
        components.kubelet_config(LIMITS)["podPidsLimit"] == 512
        and components.kubelet_config(FACTS)["podPidsLimit"] == -1
    ),
    "API server port": lambda: (
        options("kube-apiserver")["--secure-port"] == str(layout.API_PORT) == "443"
    ),
    "aggregated API, hooks": lambda: (
        options("kube-apiserver")["--enable-aggregator-routing"] == "true"
    ),
    "leader election": lambda: all(
        options(name)["--leader-elect"] == "false"
        for name in ("kube-controller-manager", "kube-scheduler")
    ),
    "audit log": lambda: options("kube-apiserver")["--audit-policy-file"].endswith(
        "/audit.yaml"
    ),
    "node address": lambda: (
        options("kubelet")["--node-ip"] == layout.NODE_IP == "172.30.0.1"
    ),
    "Services, hostPort": lambda: (
        {"kube-proxy" in named(facts) for facts in (FACTS, LEAST)} == {True, False}
    ),
    "seccomp": lambda: all(
        components.kubelet_config(facts)["seccompDefault"] is facts.seccomp
        for facts in (FACTS, LEAST)
    ),
    "AppArmor": lambda: (
        "disable_apparmor = true" in components.containerd_config(FACTS, "/cni")
    ),
    "ephemeral storage": lambda: (
        components.kubelet_config(FACTS)["localStorageCapacityIsolation"] is False
    ),
    "eviction, image GC": lambda: (
        components.kubelet_config(FACTS)["evictionHard"] == {}
        and components.kubelet_config(FACTS)["imageGCHighThresholdPercent"] == 100
    ),
    "joining nodes": lambda: (
        "--enable-bootstrap-token-auth" not in options("kube-apiserver")
    ),
    "profiling": lambda: all(
        options(name)["--profiling"] == "false"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ),
    "images": lambda: (
        named()["image-import"].once
        and str(layout.REGISTRY_PORT) in components.REGISTRIES
        and components.cni_config(FACTS)["plugins"][0]["ipMasq"] is False
    ),
}


def test_every_row_of_the_table_is_checked():
    assert doctable.rows(components) == list(TABLE)


@pytest.mark.parametrize("row", TABLE)
def test_the_table_is_true(row):
    assert TABLE[row]()
