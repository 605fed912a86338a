"""The API server in a browser reproduces the messages of the rules that name a line."""

import json
import subprocess

import pytest

from helpers.messages import explain_text
from helpers.messages.rules import rules
from tab import build
from website import tryit

TRIALS = [rule for rule in rules() if rule.trial]


@pytest.mark.full("the API server in a browser")
def test_the_line_of_a_rule_ends_in_its_message(browser_server):
    assert len(TRIALS) >= 10
    scripts = [
        {"script": rule.trial, "session": "trials", "together": True} for rule in TRIALS
    ]
    requests = "".join(json.dumps(script) + "\n" for script in scripts)
    done = subprocess.run(
        ["node", str(build.WEB / "node.js"), str(browser_server)],
        input=requests,
        capture_output=True,
        text=True,
        timeout=tryit.LIMIT,
    )
    # The first line is about the start.
    answers = [json.loads(line)["text"] for line in done.stdout.splitlines()[1:]]
    reached = {
        rule.id: explain_text(answer).rule
        for rule, answer in zip(TRIALS, answers, strict=True)
    }
    assert reached == {rule.id: rule.id for rule in TRIALS}
