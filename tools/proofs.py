"""Prove that each check of a lesson refuses its stub, and an empty answer.

The proofs are cells: copies that run above an exercise, and are not kept.
"""

import ast
from collections.abc import Iterator

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from helpers.course.exercise import CHECK, STUB, has_tag, tags_of

#: tag of a copy of a stub, and of the check that must refuse it
PROOF = "proof"


def with_proofs(originals: list[dict], cells: list[dict]) -> Iterator[dict]:
    """Yield the solved cells, and above each exercise its stub and a first check.

    And a second check of an empty answer, if the stub gives the answer its shape.
    """
    checks = (cell for cell in cells if has_tag(cell, CHECK))
    for stub, cell in zip(originals, cells, strict=True):
        if has_tag(cell, STUB):
            check = next(checks)
            for part in stub, check:
                yield copy_of(part, "on-stub", PROOF, "raises-exception")
            nothing = empty_answers(stub["source"])
            for part in (stub | {"source": nothing}, check) if nothing else ():
                yield copy_of(part, "on-nothing", PROOF, "raises-exception")
        yield cell


_EMPTY = {ast.Dict: "{}", ast.List: "[]", ast.Set: "set()", ast.JoinedStr: "''"}


def empty_answers(stub: str) -> str:
    """Return code that makes each answer empty: `{}` for a dict, `""` for a text.

    An answer is what the stub sets to a value that is written there.
    """
    lines = []
    # Lines of IPython's own syntax become calls, and are no answer.
    tree = ast.parse(TransformerManager().transform_cell(stub))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = _EMPTY.get(type(node.value))
            if isinstance(node.value, ast.Constant):
                kind: type = type(node.value.value)
                value = repr(kind())
            if value:
                lines.append(f"{node.targets[0].id} = {value}")
    return "\n".join(lines)


def copy_of(cell: dict, end: str, *tags: str) -> dict:
    """Return a code cell that runs and is not kept; `end` is that of its id."""
    metadata = {"tags": sorted({*tags, *tags_of(cell)})}
    name = f"{cell['id']}-{end}"
    return nbformat.v4.new_code_cell(cell["source"], id=name, metadata=metadata)


def proof_faults(cells: list[dict]) -> Iterator[str]:
    """Yield one line for each stub that raises, and each check that lets one pass."""
    for cell in cells:
        if not has_tag(cell, PROOF):
            continue
        outputs = cell.get("outputs", ())
        raised = [out["ename"] for out in outputs if out["output_type"] == "error"]
        if has_tag(cell, STUB) and raised:
            yield f"{cell['id']}: the stub raises {raised[0]}"
        if has_tag(cell, CHECK) and raised != ["NotSolved"]:
            yield f"{cell['id']}: {' '.join(raised) or 'no error'}, not NotSolved"
