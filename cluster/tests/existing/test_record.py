"""The record of the cluster that a learner has agreed to, as a file."""

import json

from cluster.existing.record import RECORD, Record

WRITTEN = {
    "uid": "1-2",
    "server": "https://cluster.example:6443",
    "context": "mine",
    "version": "v1.36.0",
    "user": "system:serviceaccount:lab-ann:learner",
    "source": "/home/ann/mine.yaml",
    "image": "toolbox:1",
    "account_made": True,
    "has_policy": False,
    "expires": 7.5,
    "state": "0a1b2c3d",
}


def test_the_keys_of_the_file_stay_as_other_versions_know_them(tmp_path):
    (tmp_path / RECORD).write_text(json.dumps({**WRITTEN, "of_a_later_version": 1}))
    record = Record.read(tmp_path)
    assert (record.account_made, record.has_policy) == (True, False)
    record.write(tmp_path)
    assert json.loads((tmp_path / RECORD).read_text()) == WRITTEN
