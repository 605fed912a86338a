"""A disk as WSL shows it at /mnt/c is told, by a true mount of its kind and options.

The server is diod, on a file system that has neither sockets nor permissions, as the
disks of Windows. It serves paths: `aname`, the name that WSL gives to a disk, becomes
one on the way there.
"""

import json
import re

import pytest

from cluster.tests.machines.conftest import CHECKOUT, SETUP, in_checkout

pytestmark = [
    pytest.mark.machines("a machine of its own"),
    pytest.mark.timeout(1200),
]
#: relays 9P, and renames in each message of type Tattach
RELAY = """
import socket, struct, threading

TATTACH, THERE = 104, b"/srv/windows"

def copied(source, target):
    while data := source.recv(65536):
        target.sendall(data)

def renamed(source, target):
    with source.makefile("rb") as stream:
        while size := stream.read(4):
            message = stream.read(struct.unpack("<I", size)[0] - 4)
            if message[0] == TATTACH:
                # type, tag, fid, afid; then two texts, each after its length
                begin = 13 + struct.unpack_from("<H", message, 11)[0]
                end = begin + 2 + struct.unpack_from("<H", message, begin)[0]
                text = struct.pack("<H", len(THERE)) + THERE
                message = message[:begin] + text + message[end:]
            target.sendall(struct.pack("<I", len(message) + 4) + message)

server = socket.create_server(("127.0.0.1", 5641))
while True:
    client, _ = server.accept()
    there = socket.create_connection(("127.0.0.1", 5640))
    for work, pair in ((renamed, (client, there)), (copied, (there, client))):
        threading.Thread(target=work, args=pair, daemon=True).start()
"""
OPTIONS = r"aname=drvfs;path=C:\;uid=1000;gid=1000;symlinkroot=/mnt/"
SHOW = f"""
systemctl mask diod
apt-get install -qy --no-install-recommends diod dosfstools </dev/null
modprobe -a 9p 9pnet_fd loop vfat
mkdir -p /srv/windows /mnt/c
truncate --size 256M /var/tmp/windows
mkfs.vfat /var/tmp/windows
mount -o loop,uid=1000,gid=1000,umask=0,quiet /var/tmp/windows /srv/windows
systemd-run --quiet --unit windows-disk diod --foreground --no-auth \\
    --listen 127.0.0.1:5640 --export /srv/windows --allsquash --squashuser root
cat >/var/tmp/relay.py <<'END'
{RELAY}
END
systemd-run --quiet --unit windows-name python3 /var/tmp/relay.py
for attempt in $(seq 300); do
    mount -t 9p -o 'trans=tcp,port=5641,version=9p2000.L,{OPTIONS}' \\
        127.0.0.1 /mnt/c && exit 0
    sleep 0.1
done
exit 1
"""
HIDE = """
umount /mnt/c
systemctl stop windows-name windows-disk
umount /srv/windows
rm /var/tmp/windows /var/tmp/relay.py
"""
STATE = "/mnt/c/Users/ann/lab"
#: fails where a socket can be made, or a file be hidden from others
AS_THERE = """
import os, socket
os.chmod(os.open("/mnt/c/file", os.O_CREAT), 0o600)
assert os.stat("/mnt/c/file").st_mode & 0o777 == 0o777
try:
    socket.socket(socket.AF_UNIX).bind("/mnt/c/socket")
except OSError:
    os.remove("/mnt/c/file")
    raise SystemExit(0)
raise SystemExit("a socket")
"""


@pytest.fixture(scope="module")
def disk(lab):
    """Have a disk of Windows at /mnt/c."""
    with lab.log_in("root") as root:
        root.do("sh -eu", input=SHOW, timeout=SETUP)
        yield
        root.do("sh -eu", input=HIDE)


def test_it_is_what_wsl_shows(disk, learner):
    shown = learner.do("findmnt --noheadings --output FSTYPE,OPTIONS /mnt/c")
    kind, options = shown.split()
    assert kind == "9p" and OPTIONS in options
    learner.do("python3 -", input=AS_THERE)


def test_no_cluster_begins_there_and_the_way_out_is_told(disk, learner):
    python = f"LAB_STATE_DIR={STATE} .venv/bin/python -m helpers"
    found = json.loads(learner.run(in_checkout(f"{python} doctor --json")).stdout)
    [fatal] = [each for each in found if each["level"] == "fatal"]
    assert fatal["message"].startswith(f"{STATE}: is on a disk of Windows, where Linux")
    assert "Linux' own file system in LAB_STATE_DIR" in fatal["hint"]
    started = learner.run(in_checkout(f"{python} up"))
    assert started.returncode == 1
    assert fatal["message"] in started.stdout
    assert fatal["hint"] in started.stdout
    assert learner.do("ls -A /mnt/c") == ""


def test_a_set_up_in_a_checkout_there_begins_with_the_better_place(disk, learner):
    """No more of it is run: it would take minutes."""
    learner.do(f"mkdir /mnt/c/lab && cp -r {CHECKOUT}/tools /mnt/c/lab")
    said = learner.run("sh /mnt/c/lab/tools/setup.sh 2>&1 | head -n 1").stdout
    assert re.match("setup: /mnt/c/lab is on a disk of Windows, where", said), said
    assert "Clone below your home in Linux" in said
