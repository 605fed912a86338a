"""A namespace for each module, clusters that can be broken, and Docker's engine.

A plugin of the root conftest.py, for the tests of the cluster and of the course.
"""

import os

import pytest

from cluster.tests.commandline import ROOT
from cluster.tests.engine import Engine, lacks
from helpers.command import kubeconfig_in_use, kubectl, use_kubeconfig

pytest.register_assert_rewrite("cluster.tests.contract", "cluster.tests.lab")


@pytest.fixture(scope="module")
def namespace(cluster, request):
    """Yield a namespace that has the module's name; nobody waits until it is gone."""
    place = request.path.relative_to(ROOT).with_suffix("")
    parts = [part for part in place.parts if part != "tests"]
    name = cluster.create_namespace("-".join(parts).replace("_", "-"))
    kubeconfig = kubeconfig_in_use()
    yield name
    use_kubeconfig(cluster.kubeconfig)
    kubeconfig.unlink()
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def engine():
    """Return a running Docker engine, which no other process has until it ends."""
    if reason := lacks():
        pytest.skip(reason)
    with Engine() as running:
        yield running


@pytest.fixture
def lab(one_lab, tmp_path):
    """Return the cluster `one_lab`, ready, whatever the test before did to it.

    It is started by a process whose files all may read, and whose modules are junk.
    """
    for name in ("json", "socket", "cluster"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('junk')")
    before = os.umask(0)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(tmp_path))
            one_lab.up()
    finally:
        os.umask(before)
    return one_lab


@pytest.fixture
def steady(lab):
    """Return the cluster `one_lab`, ready, with what must outlive all of it."""
    lab.settle()
    return lab


@pytest.fixture
def stopped(one_lab):
    """Return the cluster `one_lab`, stopped; it has been up before."""
    if not one_lab.port:
        one_lab.up()
    one_lab.backend.stop()
    return one_lab
