"""What upstream publishes: the addresses for each platform, and how sums are read."""

import pytest

from helpers import versions
from helpers.local import releases
from helpers.local.recipe import RECIPE

HUB = "https://github.com"
SUM = "0123456789abcdef" * 4
#: texts with sums as projects write them, and the sum of app.tgz in each
TEXTS = {
    "alone": (f"{SUM}\n", SUM),
    "of sha256sum": (f"{'f' * 64}  other\n{SUM}  app.tgz\n", SUM),
    "of a binary file": (f"{SUM} *app.tgz\n", SUM),
    "with a path": (f"{SUM}  release/app.tgz\n", SUM),
    "in capitals": (f"{SUM.upper()}  app.tgz\n", SUM),
    "signed": (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{SUM} *app.tgz\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQIz\n-----END PGP SIGNATURE-----\n",
        SUM,
    ),
    "of others": (f"{SUM}  app.tgz.asc\n", ""),
    "cut short": (SUM[:63], ""),
    "a page": ("<html><body>Not found</body></html>", ""),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_every_program_has_an_address_on_each_platform(architecture):
    a = architecture
    found = {
        name: release.at(a).url
        for name in RECIPE.programs()
        for release in releases.published([name])
    }
    kubernetes = f"https://dl.k8s.io/release/v1.37.2/bin/linux/{a}"
    containerd = f"{HUB}/containerd/containerd/releases/download/v2.4.2"
    containerd += f"/containerd-2.4.2-linux-{a}.tar.gz"
    plugins = f"{HUB}/containernetworking/plugins/releases/download/v1.9.1"
    plugins += f"/cni-plugins-linux-{a}-v1.9.1.tgz"
    names = ("apiserver", "controller-manager", "scheduler", "proxy")
    assert found == {
        **{f"kube-{name}": f"{kubernetes}/kube-{name}" for name in names},
        **{name: f"{kubernetes}/{name}" for name in ("kubectl", "kubelet")},
        **dict.fromkeys(["containerd", "containerd-shim-runc-v2", "ctr"], containerd),
        **dict.fromkeys(["bridge", "host-local", "loopback"], plugins),
        "etcd": f"{HUB}/etcd-io/etcd/releases/download/v3.7.0"
        f"/etcd-v3.7.0-linux-{a}.tar.gz",
        "coredns": f"{HUB}/coredns/coredns/releases/download/v1.15.0"
        f"/coredns_1.15.0_linux_{a}.tgz",
        "runc": f"{HUB}/opencontainers/runc/releases/download/v1.5.2/runc.{a}",
    }


def test_kind_is_published_as_well():
    (kind,) = releases.published(["kind"])
    base = f"{HUB}/kubernetes-sigs/kind/releases/download/{versions.KIND}"
    assert kind.at("arm64").url == f"{base}/kind-linux-arm64"
    assert kind.at("arm64").sums == f"{base}/kind-linux-arm64.sha256sum"


def test_sums_stand_beside_the_files():
    sums = {
        release.at("arm64").sums.rpartition("/")[2]
        for release in releases.PUBLISHED.values()
    }
    assert sums >= {
        *(
            "kubectl.sha256",
            "SHA256SUMS",
            "containerd-2.4.2-linux-arm64.tar.gz.sha256sum",
        ),
        *("coredns_1.15.0_linux_arm64.tgz.sha256", "runc.sha256sum"),
        "cni-plugins-linux-arm64-v1.9.1.tgz.sha256",
    }


def test_members_of_a_tar_file_are_for_the_platform():
    (etcd,) = releases.published(["etcd"])
    inside = etcd.at("arm64").members
    assert inside == {"etcd": f"etcd-{versions.ETCD}-linux-arm64/etcd"}


def test_a_mirror_has_each_host_as_a_directory():
    (kubectl,) = releases.published(["kubectl"])
    there = kubectl.at("amd64", "https://mirror.example/k8s/")
    assert there.url == (
        "https://mirror.example/k8s/dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubectl"
    )
    assert there.sums == f"{there.url}.sha256"
    assert there.host == "mirror.example"


def test_a_file_with_several_programs_is_asked_for_once():
    assert len(releases.published(["containerd", "ctr"])) == 1
    assert releases.published(["kubectl", "hello"]) == []


@pytest.mark.parametrize(("text", "found"), TEXTS.values(), ids=TEXTS)
def test_sums_are_read_as_projects_write_them(text, found):
    assert releases.sum_in(text, "app.tgz") == found
