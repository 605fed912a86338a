"""The rules of a page, as pure functions from a notebook to findings.

A rule takes a `Page` and yields a cell id and a sentence for every fault it sees.
What a program cannot see (is it true, is it clear) stays for people.
"""

from tests.style import code, exercises, form, prose
from tests.style.page import Page

RULES = {
    rule.__name__: rule
    for module in (form, prose, code, exercises)
    for rule in module.RULES
}


def check(name: str, notebook: dict) -> list[tuple[str, str]]:
    """Return the rule and a line for every finding in a notebook's parsed JSON."""
    page = Page.read(notebook)
    return [
        (rule, f"{name} [{cell}] {rule}: {fault}")
        for rule, function in RULES.items()
        for cell, fault in function(page)
    ]
