"""`make older`: what it builds, and what it refuses."""

from click.testing import CliRunner

from cluster.programs.recipe import older_recipe
from tools import older as tool


def test_a_server_of_another_version_tells_that_version(tmp_path):
    (tmp_path / "kubernetes").mkdir()
    recipe = older_recipe("v1.34.4", tmp_path)
    assert recipe.programs() == [
        "kube-scheduler",
        "kube-controller-manager",
        "kube-apiserver",
    ]
    for step in recipe.steps:
        told = step.variables
        assert told["k8s.io/component-base/version.gitVersion"] == "v1.34.4"
        assert told["k8s.io/component-base/version.gitMinor"] == "34"
    assert recipe.key().startswith("v1.34.4-")


def test_the_rest_of_the_programs_is_ours(tmp_path):
    built, ours = tmp_path / "built", tmp_path / "ours"
    (built).mkdir()
    (ours / "more").mkdir(parents=True)
    (built / "kube-apiserver").write_text("older")
    for name in ("kube-apiserver", "etcd", "more/a"):
        (ours / name).write_text("ours")
    for _ in range(2):
        tool.complete(built, ours)
    found = {p.relative_to(built).as_posix(): p for p in built.rglob("*")}
    assert found["kube-apiserver"].read_text() == "older"
    assert found["etcd"].read_text() == found["more/a"].read_text() == "ours"


def test_without_a_version_it_ends_in_a_line():
    done = CliRunner().invoke(tool.main, [])
    assert done.exit_code == 2 and "Missing argument 'VERSION'" in done.output
