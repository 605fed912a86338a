"""Every style rule passes a good page and catches the fault it is made for."""

import copy
import json

import pytest

from tests.style import RULES, check

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python"}


def prose(name, source, *tags):
    metadata = {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "markdown",
        "id": name,
        "metadata": metadata,
        "source": source,
    }


def code(name, source, *tags):
    metadata = {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


CELLS = [
    prose(
        "title",
        "# Ask the server\n\n| 20 minutes |\n| --- |\n\nAfter this lesson you can:\n\n"
        "1. find the server, e.g. The One\n2. say what **401** is\n3. go on\n",
    ),
    prose("find-it", "## Find it\n\n1. The variables hold the address:"),
    code("address", "from helpers import connect\n\nconnect().address"),
    prose("find-it-shell", "`kubectl` knows it too:"),
    code("ask", "%%sh\nkubectl create namespace a\necho $HOME"),
    code("certain", "address = 'https'\nassert address.startswith('https')"),
    prose(
        "refused",
        "## Refused\n\n> **Careful** No token, no answer.\n\n| a | b |\n|---|---|\n"
        "| One. Two. | x |\n\n```\nA. B:::\n```\n\n![the door](door.png)\nIt raises:",
    ),
    code("raises", "raise OSError", "raises-exception"),
    prose("why", "That was an `OSError`, and we prove it:"),
    code("raised", "import sys\n\nassert isinstance(sys.last_value, OSError)"),
    prose("task", "### Exercise: who are you?\n\nPut the name into `name`.", "task"),
    prose("hint", "Hint: `whoami` is the word.", "hint"),
    code("stub", "name = None", "exercise"),
    code("judge", "from helpers import checks\n\nchecks.name_it(name)", "check"),
    prose(
        "answer",
        "<details>\n\n```python\nname = 'me'\n```\n\n</details>",
        "solution",
    ),
    prose(
        "then",
        "<details>\n<summary><b>Then and now:</b> the code</summary>\n\nIt was 401.\n\n"
        "</details>",
        "then",
    ),
    prose("clean-up", "## Clean up\n\nThis is all of it:"),
    code("manifest", "\n".join(f"line{i} = {i}" for i in range(13)), "long"),
    prose("remove", "What we made goes:"),
    code(
        "removed", "deleted = 'namespace a'\nassert 'a' in deleted\nprint(f'{deleted}')"
    ),
    prose("in-short", "## In short\n\n![a picture of it](a.svg)\n\nOne.\nTwo.\nThree."),
    prose(
        "questions",
        "## Three questions\n\n1. One?\n2. Two?\n3. Three?\n\n<details>\n\n1. Yes.\n"
        "2. No.\n3. Yes.\n\n</details>",
    ),
    prose("go-deeper", "## Go deeper\n\n[map](00-start-here.ipynb) of it. All."),
]
GOOD = {"metadata": {"kernelspec": KERNEL | {"name": "python3"}}, "cells": CELLS}
NAME = "02-ask-the-server.ipynb"


def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["id"] == name)


def edit(name, old, new):
    """Return a fault: in cell `name`, `new` in the place of `old`."""

    def plant(notebook):
        target = cell(notebook, name)
        assert old in target["source"], f"{old!r} is not in {name}"
        target["source"] = target["source"].replace(old, new)

    return plant


def put(name, **values):
    """Return a fault: these values in cell `name`."""
    return lambda notebook: cell(notebook, name).update(values)


def tag(name, *tags):
    return put(name, metadata={"tags": list(tags)})


def drop(*names):
    """Return a fault: these cells missing."""

    def plant(notebook):
        notebook["cells"] = [c for c in notebook["cells"] if c["id"] not in names]

    return plant


def insert(after, *cells):
    """Return a fault: these cells below cell `after`."""

    def plant(notebook):
        position = notebook["cells"].index(cell(notebook, after)) + 1
        notebook["cells"][position:position] = copy.deepcopy(cells)

    return plant


def several(*faults):
    """Return a fault made of these, where one edit alone would break two rules."""

    def plant(notebook):
        for fault in faults:
            fault(notebook)

    return plant


def metadata(**values):
    return lambda notebook: notebook["metadata"].update(values)


def kernel(**values):
    return metadata(kernelspec=GOOD["metadata"]["kernelspec"] | values)


FAULTS = {
    "notebook_metadata": {
        "other kernel": kernel(name="lab-kernel"),
        "who saved last": metadata(language_info={"version": "3.11.7"}),
    },
    "cell_ids": {
        "random": put("address", id="a1b2c3d4"),
        "counted": put("address", id="cell-7"),
        "shape": put("address", id="The_Address"),
        "twice": put("address", id="ask"),
    },
    "cell_metadata": {
        "noise": put("address", metadata={"scrolled": True}),
        "unknown step": put("address", metadata={"steps": ["8.2.1"]}),
        "unknown tag": tag("address", "hide-input"),
        "solution in code": tag("address", "solution"),
        "code in prose": tag("why", "long"),
    },
    "no_empty_cells": {"first": insert("why", prose("rest", " \n"))},
    "one_title": {
        "no title": edit("title", "# Ask the server", ""),
        "two titles": insert("refused", prose("again", "# Again")),
        "skipped level": edit("task", "### Exercise", "#### Exercise"),
    },
    "opening": {
        "no section": several(
            drop("task", "hint", "stub", "answer", "judge"),
            edit("find-it", "## Find it\n\n", ""),
            edit("refused", "## Refused\n\n", ""),
            edit("clean-up", "## Clean up\n\n", ""),
        ),
        "two promises": edit("title", "3. go on\n", ""),
        "late code": insert("find-it", prose("a", "One"), prose("b", "Two:")),
    },
    "closing": {
        "code at the end": insert("go-deeper", code("last", "assert deleted")),
        "no picture": drop("in-short"),
        "no heading": edit("in-short", "## In short", "In short:"),
        "two questions": edit("questions", "3. Three?\n", ""),
        "open answers": edit("questions", "<details>\n\n", ""),
        "two right answers": edit("questions", "2. No.", "2. ✓ and ✓."),
    },
    "leaves_nothing": {
        "kept": edit("removed", "deleted", "kept"),
    },
    "one_idea": {
        "two headings": edit("task", "Put", "### More\n\nPut"),
        "below": edit("task", "### Exercise", "That was it.\n\n### Exercise"),
    },
    "then_and_now": {
        "in company": edit("then", "</details>", "</details>\n\nOn."),
    },
    "english": {
        "shall": edit("why", "That was", "That shall be"),
        "who": edit("why", "That was", "Who wants to know it:"),
        "nobody": edit("why", "That was", "Nobody said"),
        "direction": edit("why", "That was", "We see"),
    },
    "one_sentence_per_line": {
        "two": edit("why", "That was", "It raised. That was"),
        "in a list": edit("questions", "2. No.", "2. No. Never."),
    },
    "asides": {
        "plain quote": edit("refused", "> **Careful** No", "> No"),
        "colon block": edit("why", "That", ":::{note}\nThat"),
        "no alt text": edit("refused", "![the door]", "![]"),
    },
    "short_cells": {
        "median": several(
            *(
                edit(c["id"], c["source"], "#\n" * 8 + c["source"])
                for c in CELLS
                if c["cell_type"] == "code" and c["id"] not in ("ask", "manifest")
            )
        ),
        "long": tag("manifest"),
    },
    "code_in_a_row": {
        "three": insert("certain", code("more", "address")),
    },
    "imports_where_needed": {
        "unused": edit("address", "from helpers", "import json\nfrom helpers"),
    },
    "one_door": {
        "module": edit("address", "from helpers", "from helpers.connection"),
        "star": edit("address", "import connect", "import *"),
    },
    "one_word_for_a_code": {
        "status_code": edit("certain", "assert", "reply.status_code\nassert"),
    },
    "no_makeshift": {
        "path": edit("raised", "assert", "sys.path.append('..')\nassert"),
        "install": edit("ask", "echo", "pip install x\necho"),
    },
    "no_sleep": {
        "python": edit("certain", "assert", "import time\ntime.sleep(1)\nassert"),
        "bash": edit("ask", "echo", "sleep 5\necho"),
    },
    "ends_with_a_value": {
        "print": edit("address", "connect().address", "print(connect().address)"),
    },
    "asserts": {
        "none": edit("certain", "assert ", ""),
        "true": edit("certain", "address.startswith('https')", "True"),
        "itself": edit("certain", "address.startswith('https')", "address == address"),
    },
    "raises_then_asserts": {
        "no proof": edit("raised", "sys.last_value", "sys.argv"),
    },
    "one_magic": {
        "bash": edit("ask", "%%sh", "%%bash"),
        "options": edit("ask", "kubectl", "set -euo pipefail\nkubectl"),
    },
    "exit_codes": {
        "not asked": edit("address", "connect()", "!ls\nconnect()"),
        "captured": edit("certain", "assert", "out = !ls\nassert"),
        "no failure": edit("certain", "address =", "!ls\nassert _exit_code == 0\na ="),
    },
    "exercise_groups": {
        "no solution": drop("answer"),
        "no check": drop("judge"),
        "apart": insert("judge", prose("between", "So.")),
        "no stub": several(tag("stub"), drop("clean-up", "manifest", "remove")),
    },
    "exercise_task": {
        "no task": tag("task"),
        "no hint": tag("hint"),
    },
    "folded_solution": {
        "open": edit("answer", "<details>\n\n", ""),
        "no code": edit("answer", "```python\nname = 'me'\n```", "Say `me`."),
    },
    "check_tells": {
        "an assert": edit("judge", "checks.name_it", "assert checks and "),
        "no import": edit("judge", "from helpers import checks\n\n", ""),
    },
}


def rules(name, notebook):
    """Return the names of the broken rules, after a trip through JSON as a file."""
    return {finding.rule for finding in check(name, json.loads(json.dumps(notebook)))}


def test_a_good_page_has_no_findings():
    """What the conventions ask for is possible."""
    assert check(NAME, GOOD) == []


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        pytest.param(rule, fault, id=f"{rule}-{title}")
        for rule, faults in FAULTS.items()
        for title, fault in faults.items()
    ],
)
def test_a_planted_fault_is_found_by_its_rule_alone(rule, fault):
    """One fault breaks one rule: a person is told once, and of the right thing."""
    notebook = copy.deepcopy(GOOD)
    fault(notebook)
    assert rules(NAME, notebook) == {rule}


@pytest.mark.parametrize(
    "name",
    ["2-ask.ipynb", "02_ask.ipynb", "02-Ask.ipynb", "02-ärger.ipynb", "02.ipynb"],
)
def test_a_bad_file_name_is_found(name):
    """Names sort, and can be typed anywhere."""
    assert rules(name, GOOD) == {"file_name"}


def test_every_rule_has_a_planted_fault():
    """A rule that nobody has seen fail is no rule."""
    assert FAULTS.keys() | {"file_name"} == RULES.keys()


def test_a_finding_names_notebook_cell_and_rule():
    """A person finds the place without counting cells."""
    notebook = copy.deepcopy(GOOD)
    tag("why", "check")(notebook)
    (finding,) = check(NAME, notebook)
    assert str(finding) == (
        "02-ask-the-server.ipynb [why] cell_metadata: "
        "tag 'check' does nothing on a prose cell"
    )
