"""The page has words for each step that the tab's program names, and for no other."""

import re

from tests.notebooks import ROOT

PAGE = ROOT / "website/web/start/progress.js"


def test_each_step_of_the_program_has_its_words_on_the_page():
    server = [path.read_text() for path in (ROOT / "tab/go/server").glob("*.go")]
    program = "\n".join(server)
    steps = {*re.findall(r'\bstep\("([^"]+)"\)', program)}
    [start] = re.findall(r'\bstep\("([^"]+)" \+ component\.name\)', program)
    components = re.findall(r'^\t\t\{"([^"]+)", func\(\)', program, re.MULTILINE)
    assert len(components) >= 3
    steps |= {start + name for name in components}
    # That of the Worker, which a lesson has beside them.
    steps.add("importing")
    table = PAGE.read_text().partition("const STEPS")[2].partition("}")[0]
    assert {*re.findall(r'^\s+"([^"]+)":', table, re.MULTILINE)} == steps
