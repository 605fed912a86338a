"""What is wrong with a program file, told from its head."""

import os
import shutil
import sys

import pytest

from cluster.binaries import elf


@pytest.fixture
def program(tmp_path):
    """A genuine program in a file of its own."""
    return shutil.copy(os.path.realpath("/bin/true"), tmp_path / "program")


def test_genuine_programs_are_right(program):
    assert elf.fault(program) == ""
    assert elf.fault(elf.Path(os.path.realpath(sys.executable))) == ""


def test_a_missing_file_is_missing(tmp_path):
    assert elf.fault(tmp_path / "none") == "is missing"


@pytest.mark.parametrize("part", [0.01, 0.5, 0.8])
def test_a_program_without_its_end_is_cut_short(program, part):
    os.truncate(program, int(part * program.stat().st_size))
    assert elf.fault(program) == "is cut short"


@pytest.mark.parametrize("text", ["", "#!/bin/sh\n", "\x7fELF"])
def test_a_text_is_no_program(program, text):
    program.write_text(text)
    assert elf.fault(program) == "is not a Linux program"


@pytest.mark.parametrize("machine", [b"\x03\x00", b"\xf3\x00"])
def test_a_program_for_another_processor_is_told(program, machine):
    with program.open("r+b") as file:
        file.seek(18)
        file.write(machine)
    assert elf.fault(program) == "is for another kind of machine"


def test_a_program_that_may_not_be_started_is_told(program):
    program.chmod(0o644)
    assert elf.fault(program) == "is not executable"


def test_a_directory_is_no_program(tmp_path):
    assert elf.fault(tmp_path) == "cannot be read (Is a directory)"
