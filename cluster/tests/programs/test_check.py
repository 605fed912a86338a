"""A faulty program file is explained."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from cluster.programs import check


@pytest.fixture
def program(tmp_path):
    """A genuine program in a file of its own."""
    return shutil.copy(os.path.realpath("/bin/true"), tmp_path / "program")


def test_genuine_programs_are_right(program):
    assert check.problem(program) is None
    assert check.problem(Path(os.path.realpath(sys.executable))) is None


@pytest.mark.parametrize("text", ["", "#!/bin/sh\n", "\x7fELF"])
def test_a_text_is_no_program(program, text):
    program.write_text(text)
    assert check.problem(program) == "is not a Linux program"


def test_a_program_for_another_processor_is_recognised(program):
    with program.open("r+b") as file:
        file.seek(18)
        file.write(b"\xf3\x00")
    assert check.problem(program) == "is for another kind of machine"


def test_what_cannot_be_started_has_a_reason(program, tmp_path):
    program.chmod(0o644)
    assert check.problem(program) == "is not executable"
    assert check.problem(tmp_path) == "cannot be read (Is a directory)"
    assert check.problem(tmp_path / "none") == "is missing"
