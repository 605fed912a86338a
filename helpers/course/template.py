"""Make a lesson of ten cells, with which a teacher begins one of their own."""

import json
import re
from pathlib import Path

from helpers import errors
from helpers.course.exercise import CHECK, HINT, SOLUTION, STUB, TASK
from helpers.language import mark, say

#: as a file's name is that of the lesson's namespace
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")

_TITLE = mark(
    "# {title}\n"
    "\n"
    "After this lesson you can:\n"
    "\n"
    "1. read a ConfigMap by its URL\n"
    "2. write one\n"
    "\n"
    "Write your own lesson into these cells: text in Markdown, one idea in a cell."
)
_CONNECT = """\
from helpers import connect

cluster = connect()
namespace = cluster.create_namespace("{name}")
cluster"""
_ASK = mark(
    "## Read an object\n"
    "\n"
    "Each namespace has a ConfigMap with the certificate of the authority that signed "
    "for the API server.\n"
    "An `assert` states what the cell shows: if it is false, so is the lesson."
)
_READ = """\
from helpers import kubectl

path = f"/api/v1/namespaces/{{namespace}}/configmaps/kube-root-ca.crt"
kubectl(f"wait --for=create configmap/kube-root-ca.crt -n {{namespace}} --timeout=60s")
answer = kubectl(f"get --raw {{path}}").json()
assert answer["kind"] == "ConfigMap"
list(answer["data"])"""
_TASK = mark(
    "## Exercise: write an object\n"
    "\n"
    "Create a ConfigMap `colors` whose key `sky` has the value `blue`.\n"
    "\n"
    "**Hint:** `kubectl create configmap --help` shows examples."
)
_STUB = """\
%%sh
kubectl get configmaps"""
_CHECK = """\
from helpers import NotSolved, exercise, kubectl


@exercise
def write_colors() -> None:
    done = kubectl("get configmap colors -o json", check=False)
    if done.exit_code:
        raise NotSolved("There is no ConfigMap colors in this namespace yet.")
    sky = done.json().get("data", {{}}).get("sky")
    if sky != "blue":
        raise NotSolved(f"The key sky has the value {{sky!r}}.")


write_colors()"""
_SOLUTION = """\
<details>
<summary><b>{word}</b></summary>

```python
%%sh
kubectl create configmap colors --from-literal=sky=blue
```

</details>"""
_END = mark(
    "## Clean up\n"
    "\n"
    "Delete the namespace, with everything that the lesson has made in it:"
)
_CLEAN = "cluster.delete_namespace(namespace)"


def write(path: Path) -> None:
    """Write the lesson to a new file, whose name is the lesson's; raise LabError."""
    name = path.stem
    if path.suffix != ".ipynb" or not _NAME.fullmatch(name):
        text = mark(
            "{path} is no name of a lesson: that has small letters, digits and dashes, "
            "and the ending .ipynb."
        )
        hint = say("Name it like my-lesson.ipynb.")
        raise errors.LabError(say(text, path=path), hint)
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(notebook(name), file, indent=1, ensure_ascii=False)
            file.write("\n")
    except OSError as error:
        text = mark("{path} cannot be written: {error}.")
        hint = say("Name a new file in a directory of yours.")
        reason = error.strerror
        raise errors.LabError(say(text, path=path, error=reason), hint) from None


def notebook(name: str) -> dict:
    """Return the lesson as nbformat 4.5, whose namespace is `name`; pure."""
    title = name.replace("-", " ").capitalize()
    solution = _SOLUTION.format(word=say("Solution"))
    cells = [
        _cell("title", say(_TITLE, title=title)),
        _cell("connect", _CONNECT.format(name=name), code=True),
        _cell("read-ask", say(_ASK)),
        _cell("read", _READ.format(), code=True),
        _cell("colors-task", say(_TASK), TASK, HINT),
        _cell("colors-stub", _STUB, STUB, code=True),
        _cell("colors-check", _CHECK.format(), CHECK, code=True),
        _cell("colors-solution", solution, SOLUTION),
        _cell("clean", say(_END)),
        _cell("clean-up", _CLEAN, code=True),
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python"}
    metadata = {"kernelspec": kernel | {"name": "python3"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cell(name: str, text: str, *tags: str, code: bool = False) -> dict:
    kind = {"cell_type": "code" if code else "markdown", "id": name}
    rest: dict = {"execution_count": None, "outputs": []} if code else {}
    metadata = {"tags": [*tags]} if tags else {}
    lines = text.splitlines(keepends=True)
    return {**kind, "metadata": metadata, **rest, "source": lines}
