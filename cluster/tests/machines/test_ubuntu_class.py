"""A class on an Ubuntu server: root sets up once, and nobody else may use sudo.

By the words of docs/teaching.md, but for a checkout and a cache that are copied, not
cloned and built. An update of Python is a byte more at the end of the program; the next
one, by apt, takes it away.
"""

import re
import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster.tests.commandline import ROOT
from cluster.tests.machines.conftest import CHECKOUT, NAME_IMAGE, running
from cluster.tests.machines.systems import UBUNTUS
from cluster.tests.slowness import MOST

#: seconds of pip, of the start of three clusters, and of a lesson in each at once
LONGEST = 3600.0
pytestmark = [
    pytest.mark.machines("Ubuntu's archive, and its kernel: a quarter of an hour"),
    pytest.mark.timeout(4 * LONGEST * MOST),
]
TEACHING = (ROOT / "docs/teaching.md").read_text("utf-8")
[SIX] = re.findall(r"^## Six commands.*?```sh\n(.*?)```", TEACHING, re.S | re.M)
#: the third and the fifth: the environment, and the settings of a login
_, _, _, ENVIRONMENT, _, SETTINGS, _ = re.split(r"^# \d\. .*\n", SIX, flags=re.M)
SET_UP = ENVIRONMENT + SETTINGS
[OPEN] = re.findall(r"^find /srv/lab-cache .*$", TEACHING, re.M)
[WRITE] = re.findall(r"^(/opt/lessons/bin/kapi apparmor --write)\b", TEACHING, re.M)
HOOK = "/etc/apt/apt.conf.d/kubernetes-api-notebooks"
LEARNERS = ("ann", "bob", "eve")
COPY = f"""
cp -r /home/learner/{CHECKOUT} /srv/notebooks
cp -r /home/learner/.cache/kubernetes-api-notebooks /srv/lab-cache
chown -R root: /srv
apt-get update -q
apt-get install -qy --no-install-recommends runc nftables uidmap curl jq
for name in {" ".join(LEARNERS)}; do
    useradd --create-home --shell /bin/bash $name
    cp -r /root/.ssh /home/$name
    chown -R $name: /home/$name
done
"""
#: with the answers of this checkout, as a learner has them in the end
SOLVE = """
import json
from pathlib import Path
from helpers.course.exercise import with_solutions
from helpers.course.export import load
text = json.dumps(with_solutions(load("05-inside-a-pod.ipynb")))
Path("/srv/lab-cache/05.ipynb").write_text(text)
Path("/srv/lab-cache/05.ipynb").chmod(0o644)
"""
LESSON = "mkdir -p class && cd class && cp /srv/lab-cache/05.ipynb . && jupyter execute"
#: as an update leaves it: a new file
UPDATE = """
python=$(readlink -f /usr/bin/python3)
cp -p $python $python.new
printf x >>$python.new
mv $python.new $python
echo $python
"""
AGAIN = "apt-get install -qy --reinstall $(dpkg -S {} | cut -d: -f1)"


@pytest.fixture(scope="module", params=UBUNTUS, ids=str)
def machine(request):
    """Return a machine with this checkout, where nothing was set up."""
    with running(request.param) as machine:
        yield machine


@pytest.fixture(scope="module")
def root(machine):
    """Return a login of root's on a machine that is set up as the page says."""
    with machine.log_in("root") as root:
        root.do("sh -eu", input=COPY, timeout=LONGEST)
        root.do("sh -eu", input=SET_UP, timeout=LONGEST)
        environment = "LAB_BACKEND=local LAB_CACHE_DIR=/srv/lab-cache"
        root.do(f"{environment} /opt/lessons/bin/python -P -", input=NAME_IMAGE)
        root.do("/opt/lessons/bin/python -P -", input=SOLVE)
        root.said = root.do(f"{environment} /opt/lessons/bin/kapi setup")
        root.do(OPEN)
        yield root


@pytest.fixture(scope="module")
def learners(machine, root):
    """Return logins that are open to the end: a last logout ends a cluster."""
    sessions = {name: machine.log_in(name) for name in LEARNERS}
    yield sessions
    for session in sessions.values():
        session.log_out()


def as_learner(session, line):
    """Run a line in a login's shell, which has what /etc/profile.d sets."""
    return session.run(f"bash -lc {shlex.quote(line)}", timeout=LONGEST)


def solve(learners):
    """Let all run lesson 05 at the same time.

    Their clusters start one after the other: in this kernel programs start slowly.
    """
    for name, session in learners.items():
        done = as_learner(session, "kapi up")
        assert done.returncode == 0, f"{name}: {done.stdout[-3000:]}"
    with ThreadPoolExecutor(len(learners)) as pool:
        line = f"{LESSON} 05.ipynb"
        runs = pool.map(lambda session: as_learner(session, line), learners.values())
        for name, done in zip(learners, runs, strict=True):
            assert done.returncode == 0, f"{name}: {done.stdout[-3000:]}"


def test_root_hears_what_learners_lack_and_they_hear_what_root_can_do(root, learners):
    """Nothing of it is refused to root, who could not know."""
    told = f"no profile of AppArmor allows it. If others learn .*, run: {WRITE}"
    assert re.search(told, root.said)
    doctor = root.run("LAB_CACHE_DIR=/srv/lab-cache /opt/lessons/bin/kapi doctor")
    assert "other accounts" in doctor.stdout and f"`{WRITE}`" in doctor.stdout
    for session in learners.values():
        assert session.run("sudo -n true").returncode
    done = as_learner(learners["ann"], "kapi up")
    assert done.returncode == 1
    assert f"to these notebooks alone: `sudo {WRITE}`" in done.stdout


def test_one_command_of_roots_gives_each_learner_a_cluster(root, learners):
    said = root.do(WRITE)
    assert "tried as nobody: every account can make namespaces" in said
    [line] = re.findall(r"^  (DPkg::Post-Invoke .*;)$", said, re.M)
    root.hook = line
    solve(learners)


def test_an_update_of_python_is_told_and_the_same_command_is_the_way_out(
    root, learners
):
    python = root.do("sh -eu", input=UPDATE).strip()
    # Each begins anew, and three clusters fill the machine.
    for session in learners.values():
        assert as_learner(session, "kapi stop").returncode == 0
    ann = learners["ann"]
    done = as_learner(ann, "kapi up")
    assert done.returncode == 1
    copy = "/opt/lessons/bin/python-for-namespaces"
    assert f"{copy} is older than {python}: " in done.stdout
    assert f"An administrator makes it: `sudo {WRITE}`." in done.stdout
    root.do(WRITE)
    done = as_learner(ann, "kapi up")
    assert done.returncode == 0, done.stdout
    assert as_learner(ann, "kapi stop").returncode == 0


def test_apt_makes_the_copy_after_an_update_and_the_class_goes_on(root, learners):
    root.do(f"cat >{HOOK}", input=f"{root.hook}\n")
    python = root.do("readlink -f /usr/bin/python3").strip()
    before = root.do(f"sha256sum {python}")
    root.do(AGAIN.format(python), timeout=LONGEST)
    assert root.do(f"sha256sum {python}") != before
    root.do(f"cmp {python} /opt/lessons/bin/python-for-namespaces")
    solve(learners)
    for session in learners.values():
        assert as_learner(session, "kapi delete --yes").returncode == 0
