"""A single Debian for most of these tests, booted once, with this checkout.

The tests are a story, each file by itself; the first is of the machine as installed.
"""

import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from cluster.tests import imagebuild
from cluster.tests.commandline import ROOT
from cluster.tests.machines import root
from cluster.tests.machines.machine import MEMORY, Machine, Session
from cluster.tests.machines.systems import DEBIAN, System
from cluster.tests.waiting import until
from cluster.tests.walls.test_pods import MEANT

CHECKOUT = "kubernetes-api-notebooks"
#: Seconds: of the packages that a learner needs, half come over the network.
SETUP = 240.0
#: seconds of what hostile pods try
WALLS = 900.0
#: The image has the name of the packages that are installed on the host.
NAME_IMAGE = """
from cluster.image import find as image_find
from cluster.local.backend import Local
name = image_find.expected_archive(Local().binaries())
if not name.exists():
    next(name.parent.glob("*.tar")).rename(name)
"""


@contextmanager
def running(system: System, memory: int = MEMORY) -> Iterator[Machine]:
    """Have a machine with this checkout, where nothing was set up."""
    if reason := root.lacks():
        pytest.skip(reason)
    kind = partial(Machine, security=system.security, memory=memory)
    with booted(kind, root.ensure(system)) as machine:
        yield machine


@contextmanager
def booted(kind: Callable[..., Machine], made: Path) -> Iterator[Machine]:
    """Have a machine of what was made for it, with this checkout."""
    with tempfile.TemporaryDirectory(prefix="machine-") as directory:
        machine = kind(made, Path(directory))
        try:
            machine.boot()
            with machine.log_in("learner") as learner:
                _copy_checkout(learner)
            yield machine
        finally:
            machine.end()


@contextmanager
def prepared(system: System, memory: int = MEMORY) -> Iterator[Machine]:
    """Have a machine with all that `make setup` asks an administrator for."""
    with running(system, memory) as machine:
        give_packages(machine, set_up(machine).stdout)
        yield machine


@pytest.fixture(scope="package")
def machine():
    """Return a running Debian 13."""
    with running(DEBIAN) as debian:
        yield debian


def _copy_checkout(learner: Session) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for name in imagebuild.files():
            tar.add(ROOT / name, f"{CHECKOUT}/{name}")
    unpack = learner.command("tar -xzf -")
    longest = SETUP * learner.machine.slower
    subprocess.run(unpack, input=packed.getvalue(), check=True, timeout=longest)


@pytest.fixture(scope="package")
def first_setup(machine):
    """Return what `make setup` did on the machine as it was installed."""
    return set_up(machine)


def set_up(machine: Machine) -> subprocess.CompletedProcess[str]:
    """Run `make setup` as a learner."""
    with machine.log_in("learner") as learner:
        return learner.run(f"cd {CHECKOUT} && make setup", timeout=SETUP)


@pytest.fixture(scope="package")
def lab(machine, first_setup):
    """Return the machine with all that `make setup` asked an administrator for."""
    give_packages(machine, first_setup.stdout)
    return machine


def give_packages(machine: Machine, said: str) -> None:
    """Run what `make setup` has asked an administrator for; find the image, too."""
    [command] = [
        line.partition("Run: sudo ")[2]
        for line in said.splitlines()
        if "Run: sudo " in line
    ]
    with machine.log_in("root") as administrator:
        administrator.do(f"apt-get update -q && {command}", timeout=SETUP)
    with machine.log_in("learner") as learner:
        learner.do(in_checkout(".venv/bin/python -"), input=NAME_IMAGE)


@pytest.fixture
def learner(lab):
    """Return a login of the learner's, for one test."""
    with lab.log_in("learner") as session:
        yield session


def in_checkout(line: str) -> str:
    """Return a shell's line that runs there."""
    return f"cd {CHECKOUT} && {line}"


def helpers(session: Session, words: str) -> str:
    """Return what `python -m helpers` says in a session, with any exit code."""
    line = in_checkout(f".venv/bin/python -m helpers {words}")
    return session.run(line, timeout=SETUP).stdout


def findings(session: Session) -> dict[str, dict]:
    """Return what the doctor finds, by name."""
    found = json.loads(helpers(session, "doctor --json"))
    return {finding["name"]: finding for finding in found}


def up_and_status(session: Session) -> Iterator[tuple[str, dict]]:
    """Yield what `up` says, and the status then; delete the cluster."""
    said = helpers(session, "up")
    yield said, json.loads(helpers(session, "status --json"))
    helpers(session, "delete --yes")


def kubectl(session: Session, words: str, **options) -> str:
    """Run kubectl as README says: it knows the cluster by what `up` prints."""
    line = f'eval "$(.venv/bin/python -m helpers up 2>/dev/null)" && kubectl {words}'
    return session.do(in_checkout(line), **({"timeout": SETUP} | options))


def leave(lab: Machine, session: Session, user: str = "1000") -> None:
    """Log out for the last time; return when systemd has ended what it then ends."""
    session.log_out()
    # "deactivating" is no end: what is asked of the manager then is refused.
    line = f"systemctl is-active user@{user}.service"
    with lab.log_in("root") as administrator:
        until(lambda: "inactive" in administrator.run(line).stdout, 60, line)


def expect_that_walls_hold(session: Session) -> None:
    """Let hostile pods try all there is, in a cluster of the account's own."""
    line = "TMPDIR=/var/tmp .venv/bin/python -m cluster.tests.walls me 300"
    said = session.do(in_checkout(line), timeout=WALLS)
    lines = [row for row in said.splitlines() if re.search(r"\d+ tried: ", row)]
    rows = {row.split("|")[1].strip(): row for row in lines}
    cells = {
        name: re.findall(r"(\d+) tried: ([^|]*) \|", row) for name, row in rows.items()
    }
    writes = cells.pop("writes")
    assert len(cells) > 10 and min(int(n) for row in cells.values() for n, _ in row)
    for name, row in cells.items():
        assert {got for _, got in row} == {"nothing"}, name
    assert {path for _, got in writes for path in got.split(", ")} <= {*MEANT}
