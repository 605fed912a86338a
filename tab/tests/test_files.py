"""The files in memory answer as those of the machine do."""

import json
import shutil
import subprocess

import pytest

from tab import build
from tab.tests.servers import PATIENCE

SCRIPT = "same_files.js"


def run_node(*words):
    """Run Node with a script and what it reads; return the JSON that it prints."""
    if not shutil.which("node"):
        pytest.skip("Node is not here")
    done = subprocess.run(
        ["node", *words], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("seed", range(2))
def test_each_call_has_the_result_of_the_file_system(tmp_path, seed):
    """Random calls: the same values, sizes, links and codes of errors."""
    script = build.WEB.parent / "tests" / SCRIPT
    result = run_node(script, build.WEB / "files.js", tmp_path, str(seed), "12000")
    assert result["differences"] == []
    # Each call has worked, and not only failed alike.
    assert min(result["seen"].values()) > 3, result["seen"]


ROOM = """
require(process.argv[1]);
const { now, constants: { O_CREAT, O_WRONLY } } = fileTree(() => {});
const part = new Uint8Array(2 ** 20), codes = [];
// Fill a file until there is no room; return how many MB went in, and the code.
const fill = (name) => {
  const [, fd] = now("open", name, O_CREAT | O_WRONLY, 0o644);
  for (let count = 0; count < 1000; count++) {
    const [error] = now("write", fd, part, 0, part.length, null);
    if (error) return [fd, count, error.code];
  }
};
const [one, count, code] = fill("/one");
now("unlink", "/one");
const [, none, stillFull] = fill("/two");
now("close", one);
now("unlink", "/two");
const [, again] = fill("/three");
now("truncate", "/three", 0);
const [, afterTruncation] = fill("/four");
console.log(JSON.stringify({ count, code, none, stillFull, again, afterTruncation }));
"""


def test_there_is_room_for_so_many_bytes():
    """A file without a name keeps its bytes until it is closed."""
    assert run_node("-e", ROOM, build.WEB / "files.js") == {
        "count": 256,
        "code": "ENOSPC",
        "none": 0,
        "stillFull": "ENOSPC",
        "again": 256,
        "afterTruncation": 256,
    }


STAYS = """
require(process.argv[1]);
const { now } = fileTree(() => {}), codes = [];
const call = (name, ...values) => codes.push(now(name, ...values)[0]?.code ?? "");
now("mkdir", "/tmp", 0o755, true);
now("mkdir", "/other", 0o755);
call("rmdir", "/tmp");
call("rename", "/tmp", "/moved");
call("rename", "/other", "/tmp");
call("mkdir", "/tmp/below", 0o755);
call("rmdir", "/tmp/below");
call("rmdir", "/other");
console.log(JSON.stringify(codes));
"""


def test_a_directory_can_be_made_to_stay():
    """It cannot be removed or moved; what is in it can."""
    assert run_node("-e", STAYS, build.WEB / "files.js") == [
        "EBUSY",
        "EBUSY",
        "EBUSY",
        "",
        "",
        "",
    ]
