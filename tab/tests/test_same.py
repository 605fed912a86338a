"""The API server for the browser answers as that of a cluster does."""

import json
import re

import pytest

from cluster import paths
from tab.tests.questions import KEPT, Question, questions
from tab.tests.servers import Cluster, tab

#: what differs from one server to the next, or from one moment to the next
VARIABLE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z|resource ?[vV]ersion\W+\d+"
    r"|current: \d+|(precondition|record) \(\d+\)|10\.96\.\d+\.\d+|\d+ not found"
)


def shape(value: object) -> object:
    """Return the keys and types of a value; of a list, each kind of item once."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        kinds = {json.dumps(shape(one)): shape(one) for one in value}
        return [kinds[key] for key in sorted(kinds)]
    return type(value).__name__


def parsed(body: str) -> list:
    """Return the JSON values of a body, or its text."""
    try:
        return [json.loads(body)]
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in body.splitlines()]
    except ValueError:
        return [body]


def essence(answer: dict) -> dict:
    """Return what has to be the same of two answers."""
    if answer.get("error"):
        return {"error": "certificate" in answer["error"]}
    told = answer["headers"].items()
    headers = {name.lower(): ", ".join(values) for name, values in told}
    found = {"status": answer["status"], "type": headers.get("content-type")}
    found["warning"] = headers.get("warning")
    values = parsed(answer["body"])
    for value in values:
        if isinstance(value, dict) and value.get("kind") == "Status":
            for name in ("reason", "message"):
                found[name] = VARIABLE.sub("…", value.get(name, ""))
    texts = [value for value in values if isinstance(value, str)]
    return found | {"shape": shape(values), "texts": VARIABLE.sub("…", "".join(texts))}


def asked(server, all_questions: list[Question]) -> list[dict]:
    """Ask a server everything, in order."""
    kept: dict[str, str] = {}
    answers = []
    for question in all_questions:
        answer = server(**question.request(kept))
        answers.append(answer)
        for name in question.keep:
            value = json.loads(answer["body"])
            for key in KEPT[name]:
                value = value[key]
            kept[name] = value
    return answers


@pytest.mark.full("an API server under Node, and a few hundred requests")
@pytest.mark.timeout(1800)
def test_it_answers_as_a_cluster(cluster, browser_server):
    every = questions()
    assert len(every) == 333
    theirs = asked(Cluster(cluster.server, paths.state_dir() / "pki"), every)
    with tab(browser_server) as server:
        ours = asked(server, every)
    differ = {}
    for question, one, other in zip(every, ours, theirs, strict=True):
        found, wanted = essence(one), essence(other)
        if found != wanted:
            keys = [key for key in wanted if found.get(key) != wanted[key]]
            told = {key: (found.get(key), wanted[key]) for key in keys}
            differ[f"{question.who} {question.what} {question.body[:80]}"] = told
    assert differ == {}, json.dumps(differ, indent=1)
    codes = {answer.get("status") for answer in theirs}
    assert codes >= {
        200,
        201,
        204,
        400,
        401,
        403,
        404,
        405,
        406,
        409,
        413,
        415,
        422,
        500,
    }
