"""A pod gets all user ids, or a single one and a clear word."""

import hashlib
import json
import tarfile
from contextlib import nullcontext

import pytest

from cluster.image.archive import Image, Layer, write_archive
from cluster.image.find import architecture
from cluster.tests.running import sleeper

#: as nginx, and many a server's start: files and itself to an account of the image;
#: by each system call that there is for that
GIVE = """
import json, os
os.chdir("/tmp")
files = [open(name, "w") for name in "abcd"]
os.chown("a", 33, 33)
os.lchown("b", 33, 33)
os.fchown(files[2].fileno(), 33, 33)
os.chown("d", 33, 33, dir_fd=os.open("/tmp", os.O_RDONLY))
os.setgroups([33])
for call in (os.setregid, os.setreuid):
    call(33, 33)
os.setresgid(33, 33, 33)
os.setresuid(33, 33, 33)
os.setgid(33)
os.setuid(33)
found = [os.stat(name) for name in "abcd"]
ids = [*os.getresuid(), *os.getresgid(), *os.getgroups()]
print(json.dumps(sorted({*ids, *(n for f in found for n in (f.st_uid, f.st_gid))})))
"""
#: of a pod
ASKED = (
    {"runAsUser": 1000},
    {"runAsGroup": 1000},
    {"fsGroup": 2000},
    {"runAsUser": 1000, "runAsNonRoot": True},
    {"supplementalGroups": [2000]},
)


@pytest.fixture
def single(lab):
    return lab.status()["ids"] == 1


def test_a_program_that_gives_away_its_files_and_itself_goes_on(lab, single):
    """With a single id they stay root's, and the program does not learn of it."""
    for name, privileged in (("giver", False), ("privileged-giver", True)):
        lab.run_pod(name, privileged=privileged)
        given = json.loads(lab.kubectl("exec", name, "--", "python3", "-c", GIVE))
        assert given == ([0] if single else [33]), name


def test_an_image_may_have_files_of_any_owner(lab):
    """As have all that are made of a distribution, for /etc/shadow at least."""
    owned = tarfile.TarInfo("etc/shadow")
    owned.uid, owned.gid = 33, 42
    with tarfile.open(lab.home / "layer.tar", "w") as tar:
        tar.addfile(owned)
    digest = hashlib.sha256((lab.home / "layer.tar").read_bytes()).hexdigest()
    image = Image(("owned:1",), (Layer(lab.home / "layer.tar", digest),))
    write_archive([image], architecture(), lab.home / "owned.tar")
    said = lab.helpers("images", "add", str(lab.home / "owned.tar"))
    assert "docker.io/library/owned:1" in said


def test_a_pod_that_asks_for_an_id_gets_it_or_hears_why_not(lab, single):
    """At once, by an error or an event; not by waiting for its volumes for ever."""
    create(lab, {"fsGroup": 0, "runAsNonRoot": False}, {"runAsUser": 0})
    for asked in (*((each, {}) for each in ASKED), ({}, {"runAsUser": 1000})):
        words = "single user id, .*kapi doctor"
        with pytest.raises(AssertionError, match=words) if single else nullcontext():
            create(lab, *asked)


def create(lab, of_pod, of_container):
    """Have the API server judge a pod; fail with its words if it is refused."""
    pod = sleeper("asks")
    first = {**pod["spec"]["containers"][0], "name": "first"}
    pod["spec"]["initContainers"] = [first | {"securityContext": of_container}]
    pod["spec"]["securityContext"] = of_pod
    lab.kubectl("create", "--dry-run=server", "-f", "-", input=json.dumps(pod))
