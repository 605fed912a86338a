"""Releases have an address for each platform, and their sums are read."""

import re

import pytest

from cluster import versions
from cluster.programs import releases
from cluster.programs.recipe import RECIPE

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
    for name in (*RECIPE.programs(), "kind"):
        [release] = releases.published_files([name])
        url = release.at(architecture).url
        assert url.startswith(("https://dl.k8s.io/release/v", "https://github.com/"))
        assert re.search(r"/(v\d[\d.]+)/", url)[1] in vars(versions).values()
        assert architecture in url and "{" not in url


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_macos_has_what_kind_needs_and_nothing_else(architecture):
    for name in ("kubectl", "kind"):
        (release,) = releases.published_files([name], "darwin")
        url = release.at(architecture, system="darwin").url
        assert re.search(rf"\bdarwin\W{architecture}\b", url) and "linux" not in url
    for name in RECIPE.programs():
        assert bool(releases.published_files([name], "darwin")) == (name == "kubectl")
    assert releases.published_files(["kubectl"], "win32") == []


#: the file of checksums beside each release; of all others it is NAME.sha256
SUMS = {
    **{"etcd": "SHA256SUMS", "runc": "runc.sha256sum", "kind": "{}.sha256sum"},
    **dict.fromkeys(("containerd", "containerd-shim-runc-v2", "ctr"), "{}.sha256sum"),
}


def test_sums_stand_beside_the_files_and_members_are_for_the_platform():
    for name, release in releases.PUBLISHED.items():
        there = release.at("arm64")
        place, _, file = there.url.rpartition("/")
        sums = SUMS.get(name, "{}.sha256").format(file)
        assert there.sums == f"{place}/{sums}"
    inside = releases.PUBLISHED["etcd"].at("arm64").members
    assert inside == {"etcd": f"etcd-{versions.ETCD}-linux-arm64/etcd"}


def test_a_mirror_has_each_host_as_a_directory():
    (kubectl,) = releases.published_files(["kubectl"])
    there = kubectl.at("amd64", "https://mirror.example/k8s/")
    path = f"release/{versions.KUBERNETES}/bin/linux/amd64/kubectl"
    assert there.url == f"https://mirror.example/k8s/dl.k8s.io/{path}"
    assert there.sums == f"{there.url}.sha256"
    assert there.host == "mirror.example"


def test_a_file_with_several_programs_is_asked_for_once():
    assert len(releases.published_files(["containerd", "ctr"])) == 1
    assert releases.published_files(["kubectl", "hello"]) == []


@pytest.mark.parametrize(("text", "found"), TEXTS.values(), ids=TEXTS)
def test_sums_are_read_as_projects_write_them(text, found):
    assert releases.sum_in(text, "app.tgz") == found
