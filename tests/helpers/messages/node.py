"""Run the script of the site in Node, to compare it with Python."""

import json
import subprocess
from dataclasses import asdict
from typing import Any

from helpers.messages import Advice
from tests.notebooks import ROOT
from tools import errors


def in_node(texts: list[str], say=str) -> list[dict]:
    """Return what the script of the site says of texts."""
    rules_script = errors.script(say, trial="try.html")
    engine = (ROOT / "website/_static/explain.js").read_text("utf-8")
    call = "texts.map((text) => explainText(RULES, text))"
    lines = [rules_script, engine, f"const texts = {json.dumps(texts)};"]
    lines += [f"process.stdout.write(JSON.stringify({call}));"]
    done = subprocess.run(
        ["node", "-"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def as_data(advice: Advice) -> dict[str, Any]:
    """Return an Advice as the script says it."""
    return asdict(advice) | {"commands": [*advice.commands]}
