"""An empty etcd is given the objects that its API server would make, and no others."""

import json
import os

import pytest

from cluster import versions
from cluster.local import init, seed
from cluster.tests.whole.lab import full
from tools.seed import OBJECTS, seed_lines


@full
def test_it_is_what_this_api_server_makes(lab):
    """If not, it is another version's: `python -m tools.seed`, and commit the file."""
    assert OBJECTS.read_text().splitlines() == list(seed_lines()), versions.KUBERNETES


@full
def test_what_the_api_server_has_made_is_left_alone(lab):
    """A seed that comes late, or once more, gives nothing another UID."""
    ask = ("get", "clusterrole", "view", "-o", "jsonpath={.metadata.uid}")
    before = lab.kubectl(*ask)
    todo = seed.put_requests(init.SCRIPTS["seed.jsonl"])[: seed.MOST]
    # The socket's own path is longer than a socket's path may be.
    run = os.open(lab.state / "run", os.O_PATH)
    try:
        assert " 200 " in seed.send(f"/proc/self/fd/{run}/etcd.sock:0", todo)
    finally:
        os.close(run)
    assert before and lab.kubectl(*ask) == before


@full
def test_the_api_server_changes_nothing_that_was_seeded(lab):
    """All are still as two transactions have put them, but for what is aggregated."""
    listed = "clusterroles,clusterrolebindings,roles,rolebindings,priorityclasses"
    found = json.loads(lab.kubectl("get", "-A", "-o", "json", listed))["items"]
    there = {place(body): body["metadata"]["resourceVersion"] for body in found}
    seeded = map(json.loads, OBJECTS.read_text().splitlines())
    put = {there[place(body)] for body in seeded if "aggregationRule" not in body}
    assert put == {"2", "3"}


def place(body: dict) -> tuple[str, ...]:
    meta = body["metadata"]
    return body["kind"], meta.get("namespace", ""), meta["name"]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_refusal_ends_the_job_and_is_in_its_log(
    answer, tmp_path, monkeypatch, capsys
):
    objects = tmp_path / "objects"
    objects.write_text('{"kind": "Role", "metadata": {"name": "a"}}\n')
    monkeypatch.setattr(seed, "send", lambda *_: answer.decode().strip())
    monkeypatch.setattr("sys.argv", ["seed.py", str(objects), "socket"])
    assert seed.main() == 1
    assert "etcd: " in capsys.readouterr().err
