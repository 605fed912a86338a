"""The rules of a page, as pure functions from a notebook to findings.

A rule takes a `Page` and yields a cell id and a sentence for every fault it sees.
Which rules there are is `RULES`; what is wrong with a notebook is `check()`. What
a program cannot see (is it true, is it clear) stays for people.
"""

from tests.style import code, exercises, form, prose, shell
from tests.style.page import Finding, Page

RULES = {
    rule.__name__: rule
    for module in (form, prose, code, shell, exercises)
    for rule in module.RULES
}


def check(name: str, notebook: dict) -> list[Finding]:
    """Return every finding in a notebook, given as parsed JSON, rule by rule."""
    page = Page.read(name, notebook)
    return [
        Finding(name, cell, rule, fault)
        for rule, function in RULES.items()
        for cell, fault in function(page)
    ]
