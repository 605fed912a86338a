"""The control plane alone."""

from cluster.controlplane.components import ABSENT, Ports, describe
from cluster.programs.recipe import CONTROL_PLANE
from cluster.programs.releases import published_files

PARTS = describe(Ports(6001, 6002, 6003, 6004, 6005), "/bin", bootstrapped=False)


def test_what_is_called_absent_is_not_there():
    assert not {part.name for part in PARTS} & {*ABSENT}


def test_the_recipe_holds_what_they_run_and_all_of_it_is_published():
    """Where this is for, a build would take too much memory."""
    programs = {part.argv[0].rpartition("/")[2] for part in PARTS}
    assert programs | {"kubectl"} == set(CONTROL_PLANE.programs())
    assert all(published_files(step.programs) for step in CONTROL_PLANE.steps)
