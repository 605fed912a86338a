"""From nothing but Python to a lesson, with the archive of a release alone."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest

from cluster import packages
from cluster.local.backend import Local
from cluster.progress import Silent
from cluster.tests import bareroot
from cluster.tests.slowness import scaled
from tools import bundle as writer

pytestmark = [
    pytest.mark.machines("a system of its own, and the archive"),
    pytest.mark.timeout(1800),
]
#: seconds, of all commands
LONGEST = 600.0
LESSON = "05-inside-a-pod"
ABSENT = (
    "cc gcc go make mmdebstrap git runc crun docker podman nft newuidmap curl jq pip"
)
SCRIPT = f"""
for name in {ABSENT}; do
    if command -v "$name"; then exit 9; fi
done
"$PYTHON" -V
date +%s
"$PYTHON" -m helpers setup
date +%s
settings=$("$PYTHON" -m helpers up) && eval "$settings"
date +%s
"$PYTHON" -m tools.chapter --target "$HOME/out" notebooks/{LESSON}.ipynb
# Without certificates on this system curl finds none to compare with, and says so.
code=0; curl -sS {bareroot.BASE} || code=$?; test $code = 60
kubectl get --raw /version | jq -r .gitVersion
"$PYTHON" -m helpers doctor
"$PYTHON" -m helpers delete --yes
"""


@pytest.fixture(scope="module")
def made():
    """Return a root directory, and what a release would have."""
    if reason := bareroot.lacks():
        pytest.skip(reason)
    Local().setup(Silent())
    with tempfile.TemporaryDirectory(prefix="bare-") as directory:
        # An ordinary user comes to it.
        Path(directory).chmod(0o755)
        root, dist = Path(directory, "root"), Path(directory, "dist")
        bareroot.make(root)
        # Compressed less than a release is, which takes minutes.
        writer.write(dist, Silent(), 0)
        yield root, dist


def test_a_bare_debian_runs_a_lesson_with_the_archive_alone(made):
    root, dist = made
    [file] = dist.glob("*.tar.xz")
    script = f"export LAB_BUNDLE={bareroot.BASE}/{file.name}\n{SCRIPT}"
    done = bareroot.run(root, dist, script, scaled(LONGEST))
    said = done.stdout
    assert done.returncode == 0, said[-8000:]
    assert f"programs and image are those of {file.name}\n" in said
    assert "building" not in said and "downloading 1" not in said
    assert re.search(rf"^{LESSON}\S* .* ok$", said, re.M)
    began, ready, up = map(int, re.findall(r"^(\d{10})$", said, re.M))
    print(f"setup {ready - began} s, up {up - ready} s, {file.stat().st_size} bytes")


def test_an_archive_that_is_cut_short_leaves_that_system_with_the_reason(made):
    """Nothing else can be had there: neither downloads nor a build."""
    root, dist = made
    shutil.rmtree(root / bareroot.HOME.lstrip("/") / ".cache", ignore_errors=True)
    [file] = dist.glob("*.tar.xz")
    half = dist / "half.tar.xz"
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    described = next(dist.glob("*.json"))
    shutil.copy(described, dist / "half.json")
    for one in (half, dist / "half.json"):
        writer._note_sum(one)
    script = (
        f"export LAB_BUNDLE={bareroot.BASE}/{half.name}\n"
        '"$PYTHON" -m helpers setup || echo "code $?"\n'
        'echo "--- kept"; find "$HOME/.cache" -type f\n'
    )
    said = bareroot.run(root, dist, script, scaled(LONGEST)).stdout
    reason = "half.tar.xz is no archive, or a part of one"
    assert f"no ready-made programs and image, because {reason}" in said
    assert said.count("error: ") == 1 and "code 1" in said
    kept = said.partition("--- kept\n")[2]
    assert "/build/" in kept and "/bin/" not in kept and "/images/" not in kept


def test_without_the_archive_all_that_is_missing_is_told_before_anything_is_fetched(
    made,
):
    """In one sentence, with an administrator's command; nothing is left behind."""
    root, dist = made
    shutil.rmtree(root / bareroot.HOME.lstrip("/") / ".cache", ignore_errors=True)
    script = (
        "export LAB_BUNDLE=none\n"
        '"$PYTHON" -m helpers setup || echo "code $?"\n'
        'echo "--- kept"; find "$HOME/.cache" -type f || true\n'
    )
    said = bareroot.run(root, dist, script, scaled(LONGEST)).stdout
    error = said.partition("error: ")[2].partition("code 1\n")[0]
    names = "mmdebstrap runc nftables uidmap curl jq"
    command = packages.MANAGERS["apt-get"]
    assert error == (
        "mmdebstrap is not installed; it is needed to build the toolbox image.\n"
        f"{command} {names}, or start Docker or Podman.\n"
    )
    assert "download" not in said and "building" not in said
    assert not re.search(r"/(bin|go|images)/", said.partition("--- kept\n")[2])
