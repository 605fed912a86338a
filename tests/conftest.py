"""A namespace for each module that works in the cluster, and Docker's engine."""

from pathlib import Path

import pytest

from helpers.command import kubeconfig_in_use, kubectl, use_kubeconfig
from tests.engine import Engine, lacks

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def namespace(cluster, request):
    """Yield a namespace that has the module's name; nobody waits until it is gone."""
    place = request.path.relative_to(HERE).with_suffix("")
    name = cluster.create_namespace("-".join(place.parts).replace("_", "-"))
    kubeconfig = kubeconfig_in_use()
    yield name
    use_kubeconfig(cluster.kubeconfig)
    kubeconfig.unlink()
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def engine():
    """Return a running Docker engine: one for a run, so of tests of one worker."""
    if reason := lacks():
        pytest.skip(reason)
    with Engine() as running:
        yield running
