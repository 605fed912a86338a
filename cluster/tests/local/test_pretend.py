"""The filter of a machine with a single id pretends the right calls everywhere."""

import pytest

from cluster.local import pretend
from cluster.tests import filters

#: setfsuid and setfsgid report no error, so they need no pretence
IDS = {"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid"}
IDS |= {"setgroups", "chown", "lchown", "fchown", "fchownat"}
#: as the calls of i386 are named whose ids have more than 16 bits
IDS |= {f"{name}32" for name in IDS}


@pytest.mark.parametrize("arch", pretend.CALLS, ids=hex)
def test_owners_and_ids_are_pretended_and_nothing_else(arch):
    known, program = filters.names(arch), pretend.program()
    answers = {nr: filters.answer(program, arch, nr) for nr in range(max(known) + 1)}
    pretended = {nr for nr, said in answers.items() if said == filters.PRETEND}
    assert {*answers.values()} == {filters.PRETEND, filters.ALLOW}
    assert pretended == {nr for nr, name in known.items() if name in IDS}


def test_all_of_an_unknown_architecture_is_allowed():
    answers = {filters.answer(pretend.program(), 0x1234, nr) for nr in range(600)}
    assert answers == {filters.ALLOW}
