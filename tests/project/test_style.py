"""Each rule of style passes a good page and finds its fault, and no other finds it."""

import pytest

from tests.style import RULES, check
from tests.style.form import KERNEL

#: id and tag of a cell, whether a kernel runs it, and its source
CELLS = (
    ("title", "", "# Ask\n\nAfter this lesson you can:\n\n1. a\n2. b\n3. c\n"),
    ("find-it", "", "## Find it\n\nThe variables hold the address, e.g. The One:"),
    (
        "address",
        "code",
        "from helpers import connect\n\nassert connect\nconnect().address",
    ),
    ("ask", "code", "%%sh\nkubectl create namespace a\nkubectl run a -- sleep 9"),
    ("refused", "", "## Refused\n\nIt raises:"),
    ("raises", "raises-exception", "raise OSError"),
    ("why", "", "That was an `OSError`, and we prove it:"),
    ("raised", "code", "import sys\n\nassert isinstance(sys.last_value, OSError)"),
    ("task", "task", "### Exercise: who are you?\n\nPut the name into `name`."),
    ("hint", "hint", "Hint: `whoami` is the word."),
    ("stub", "exercise", "name = None"),
    ("judge", "check", "from helpers import checks\n\nchecks.name_it(name)"),
    ("answer", "solution", "<details>\n\n```python\nname = 1\n```\n\n</details>"),
    ("clean-up", "", "## Clean up\n\nThis is all of it:"),
    ("removed", "code", "deleted = 'namespace a'\nassert deleted\nprint(f'{deleted}')"),
    ("in-short", "", "## In short\n\n![a picture of it](a.svg)\n\nOne.\nTwo."),
    (
        "questions",
        "",
        "## Three questions\n\n1. One?\n2. Two?\n3. Three?\n\n<details>\n\n"
        "1. Yes.\n2. No.\n3. Yes.\n\n</details>",
    ),
    ("go-deeper", "", "## Go deeper\n\n[map](00-start-here.ipynb) of it. All."),
)
CODE = ("code", "raises-exception", "exercise", "check")
#: rule, a cell, and what is put in it instead of what: source, `tag:` or `id:`
FAULTS = (
    ("cell_ids", "address", "id:", "a1b2c3d4"),
    ("cell_ids", "address", "id:", "ask"),
    ("cell_metadata", "address", "tag:", "hide-input"),
    ("cell_metadata", "address", "tag:", "solution"),
    ("opening", "find-it", "## Find it", "Find it"),
    ("closing", "questions", "3. Three?\n", ""),
    ("closing", "questions", "2. No.", "2. ✓ and ✓."),
    ("leaves_nothing", "removed", "deleted", "kept"),
    ("one_idea", "task", "### Exercise", "That was it.\n\n### Exercise"),
    ("english", "why", "That was", "That shall be"),
    ("english", "why", "That was", "We see"),
    ("code_in_a_row", "refused", "drop:", ""),
    ("one_word_for_a_code", "removed", "deleted =", "reply.status_code\ndeleted ="),
    ("no_sleep", "removed", "deleted =", "time.sleep(1)\ndeleted ="),
    ("no_sleep", "ask", "kubectl run", "sleep 5\nkubectl run"),
    ("asserts", "removed", "assert ", ""),
    ("raises_then_asserts", "raised", "sys.last_value", "sys.argv"),
    ("one_magic", "ask", "%%sh", "%%bash"),
    ("one_magic", "ask", "%%sh\n", "%%sh\nset -euo pipefail\n"),
    ("exit_codes", "address", "connect()", "!ls\nconnect()"),
    ("exit_codes", "removed", "deleted =", "out = !ls\ndeleted ="),
    ("exit_codes", "removed", "deleted =", "!ls\nassert _exit_code == 0\ndeleted ="),
    ("exercise_groups", "answer", "tag:", ""),
    ("exercise_groups", "answer", "<details>\n\n", ""),
    ("exercise_task", "hint", "tag:", ""),
    ("check_tells", "judge", "checks.name_it", "assert checks and "),
    ("check_tells", "judge", "from helpers import checks\n\n", ""),
)


def page(where="", old="", new=""):
    """Return the good page, or one with this in that cell."""
    cells = []
    for name, tag, source in CELLS:
        kind = "code" if tag in CODE else "markdown"
        if name == where:
            if old == "drop:":
                continue
            assert old in ("tag:", "id:") or old in source, f"{old!r} is not in {name}"
            tag = new if old == "tag:" else tag
            name = new if old == "id:" else name
            source = source.replace(old, new)
        tags = [tag] if tag not in ("", "code") else []
        cell = {"cell_type": kind, "id": name, "metadata": {"tags": tags}}
        cells.append(cell | {"source": source})
    return {"metadata": {"kernelspec": KERNEL}, "cells": cells}


def found(notebook):
    return {rule for rule, _ in check("02-ask.ipynb", notebook)}


def test_a_good_page_has_no_findings():
    assert found(page()) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=" ".join)
def test_a_fault_is_found_by_its_rule_alone(fault):
    """A fault breaks a single rule: a person is told once, and of the right thing."""
    rule, *change = fault
    assert found(page(*change)) == {rule}


def test_another_kernel_is_found():
    notebook = page()
    notebook["metadata"]["kernelspec"] = {**KERNEL, "display_name": ".venv"}
    [(rule, line)] = check("02-ask.ipynb", notebook)
    assert line.startswith(f"02-ask.ipynb [metadata] {rule}: ")
    assert {rule, *(each for each, *_ in FAULTS)} == RULES.keys()
