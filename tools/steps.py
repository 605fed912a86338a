"""Know the steps of the chapter, which cells show each, and what these assert.

A cell names them in its own metadata, `steps`.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

#: how bash says `assert`
TEST = re.compile(r"test |.*\bjq -e\b")

#: The chapter's steps, in its order: A is 8.1, B is 8.2.1, C is 8.2.2, D is the rest.
STEPS = {
    "A1": "what is known before a pod runs, and what only later",
    "A2": "which field goes by which way",
    "A3": "metadata and resources as environment variables",
    "A4": "the variables, seen with kubectl exec",
    "A5": "what a divisor means",
    "A6": "the same as files of a volume",
    "A7": "a label changes: the file follows, the variable does not",
    "A8": "the limits of another container",
    "A9": "no limit: what the node can give",
    "A10": "what the downward API cannot tell",
    "B1": "kubectl cluster-info",
    "B2": "curl refuses the certificate, and how to check it",
    "B3": "curl -k: nobody is allowed little",
    "B4": "kubectl proxy, and what it refuses",
    "B5": "the paths of the API server",
    "B6": "from a path to group and version",
    "B7": "/apis/batch: a group and its versions",
    "B8": "/apis/batch/v1: resources and verbs",
    "B9": "create a Job, list all Jobs",
    "B10": "one Job, raw and as kubectl shows it",
    "B11": "the other verbs and their codes",
    "B12": "kubectl get --raw",
    "B13": "aggregated discovery",
    "B14": "the requests that kubectl makes",
    "B15": "Table and PartialObjectMetadata",
    "B16": "pages, selectors, watch, bookmark, 410",
    "C1": "three problems, and a fourth",
    "C2": "a pod to work in",
    "C3": "a shell in it",
    "C4": "the Service kubernetes and what is behind it",
    "C5": "the address in the environment",
    "C6": "the address by DNS",
    "C7": "curl and curl -k from inside",
    "C8": "the files of the ServiceAccount",
    "C9": "ca.crt makes TLS right",
    "C10": "the token: 200 for /api, 403 for /",
    "C11": "be authorized: Role and RoleBinding",
    "C12": "list the pods of the own namespace",
    "C13": "HTTP methods and RBAC verbs",
    "C14": "what a token says",
    "C15": "expiry, rotation, the end of a bound token",
    "C16": "kubectl create token: life, audience, binding",
    "C17": "no token: automountServiceAccountToken: false",
    "C18": "check a token's signature",
    "D1": "the three files, once more",
    "D2": "the ambassador",
    "D3": "a client library",
    "D4": "the same code outside and inside",
    "D5": "no Swagger, but OpenAPI",
    "D6": "kubectl explain and the schema",
    "D7": "the chapter's summary, proven",
}


@dataclass(frozen=True)
class Shown:
    """A cell that shows a step; `asserts` is its first assertion, or empty."""

    step: str
    notebook: str
    cell: str
    asserts: str


def shown(paths: Iterable[Path]) -> Iterator[Shown]:
    """Yield what each code cell shows, in the order of the pages."""
    for path in sorted(paths, key=lambda path: path.name):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            for step in cell["metadata"].get("steps", ()):
                asserts = first_assertion("".join(cell["source"]))
                yield Shown(step, path.stem, cell["id"], asserts)


def first_assertion(source: str) -> str:
    """Return what the first `assert` of a cell demands, or an empty text.

    Shell and magic lines count as IPython would run them. In a `%%sh` cell, which fails
    by itself, a line with `test` is the assertion.
    """
    if source.startswith("%%sh"):
        return next((line for line in source.splitlines() if TEST.match(line)), "")
    tree = ast.parse(TransformerManager().transform_cell(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            return ast.unparse(node.test)
    return ""


def unproven(cells: Iterable[Shown]) -> list[str]:
    """Return the steps that no cell asserts anything about."""
    proven = {cell.step for cell in cells if cell.asserts}
    return [step for step in STEPS if step not in proven]
