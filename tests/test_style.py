"""Every style rule passes a good page and catches the fault it is made for."""

import copy
import json

import pytest

from tests.style import RULES, check

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python"}
SOLUTION = {"jupyter": {"source_hidden": True}}


def prose(name, source):
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def code(name, source, *tags):
    metadata = {"tags": list(tags)} if tags else {}
    if "solution" in tags:
        metadata |= SOLUTION
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
        "# Ask the server\n\nNotebook 01 left us at the door (see chapter 8.2.1).\n\n"
        "* how a client finds the server, e.g. The One\n* what **401** says\n",
    ),
    prose("find-it", "## Find it\n\n1. The variables hold the address:"),
    code("address", "from helpers import connect\n\nconnect().address"),
    prose("find-it-shell", "`kubectl` knows it too:"),
    code("ask", "%%bash\nset -euo pipefail\nkubectl create namespace a\necho $HOME"),
    code("certain", "address = 'https'\nassert address.startswith('https')"),
    prose(
        "refused",
        "## Refused\n\n> **Careful** No token, no answer.\n\n| a | b |\n|---|---|\n"
        "| One. Two. | x |\n\n```\nA. B:::\n```\n\n![the door](door.png)\nIt raises:",
    ),
    code("raises", "raise OSError", "raises-exception"),
    prose("why", "That was an `OSError`, and we prove it:"),
    code("raised", "import sys\n\nassert isinstance(sys.last_value, OSError)"),
    prose("task", "### Exercise: who are you?\n\nPut the name into `name`."),
    prose("hint", "Hint: `whoami` is the word."),
    code("stub", "name = None", "exercise"),
    code("answer", "# One way to do it\nname = 'me'", "solution"),
    code("judge", "assert name, 'name is empty: set it'", "check"),
    prose("clean-up", "## Clean up\n\nThe manifest is seen whole, so it is long:"),
    code("manifest", "\n".join(f"line{i} = {i}" for i in range(13)), "long"),
    prose("remove", "What we made goes:"),
    code(
        "removed", "deleted = 'namespace a'\nassert 'a' in deleted\nprint(f'{deleted}')"
    ),
    prose(
        "end",
        "In this notebook we:\n\n* found the server\n* met **401**\n\n"
        "We left out proxies: the next notebook has them.",
    ),
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
        "folded code": put("address", metadata={"jupyter": {"source_hidden": True}}),
    },
    "no_empty_cells": {"last": insert("end", prose("rest", " \n"))},
    "one_title": {
        "no title": edit("title", "# Ask the server", ""),
        "two titles": edit("refused", "## Refused", "## Refused\n\n# Again"),
        "skipped level": edit("task", "### Exercise", "#### Exercise"),
    },
    "opening": {
        "no section": several(
            drop("task", "hint", "stub", "answer", "judge"),
            edit("find-it", "## Find it\n\n", ""),
            edit("refused", "## Refused\n\n", ""),
            edit("clean-up", "## Clean up\n\n", ""),
        ),
        "no sentence": edit(
            "title", "Notebook 01 left us at the door (see chapter 8.2.1).", ""
        ),
        "two sentences": edit("title", "\n\n*", "\nAnd more.\n\n*"),
        "five bullets": several(
            edit("title", "says", "says\n* c\n* d\n* e"),
            edit("end", "* met **401**", "* met\n* c\n* d\n* e"),
        ),
        "late code": insert("find-it", prose("a", "One"), prose("b", "Two:")),
    },
    "closing": {
        "code at the end": several(
            edit("end", "has them.", "has them:"),
            insert("end", code("last", "deleted")),
        ),
        "bullet missing": edit("end", "* found the server\n", ""),
        "nothing left out": edit("end", "We left out proxies: the next", "* the"),
    },
    "leaves_nothing": {
        "kept": edit("removed", "deleted", "kept"),
    },
    "colon": {
        "full stop": edit("find-it", "address:", "address."),
    },
    "one_sentence_per_line": {
        "two": edit("why", "That was", "It raised. That was"),
        "in a bullet": edit("end", "* met **401**", "* met **401**. Then we left"),
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
        "long without reason": drop("clean-up"),
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
        "except": edit(
            "certain",
            "address =",
            "try:\n    1 / 0\nexcept Exception:\n    2\naddress =",
        ),
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
    "strict_bash": {
        "not strict": edit("ask", "set -euo pipefail\n", ""),
    },
    "exit_codes": {
        "not asked": several(
            drop("ask"), edit("address", "connect()", "!ls\nconnect()")
        ),
        "captured": edit("certain", "assert", "out = !ls\nassert"),
    },
    "one_shell": {
        "both": edit("certain", "address =", "!ls\nassert _exit_code == 0\naddress ="),
    },
    "exercise_groups": {
        "no solution": drop("answer"),
        "no check": drop("judge"),
        "ends early": several(
            edit("ask", "create", "get"),
            drop("judge", "clean-up", "manifest", "remove", "removed"),
        ),
    },
    "exercise_task": {
        "picture": edit("task", "Exercise", "✏"),
        "no hint": edit("hint", "Hint", "So"),
    },
    "folded_solution": {
        "open": tag("answer", "solution"),
        "shows": edit("answer", "# One way to do it\n", ""),
    },
    "check_tells": {
        "no assert": edit("judge", "assert name, 'name is empty: set it'", "name"),
        "no words": edit("judge", ", 'name is empty: set it'", ""),
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
