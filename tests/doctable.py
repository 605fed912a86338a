"""The table in the docstring of a module that describes components."""

from types import ModuleType


def rows(module: ModuleType) -> list[str]:
    """Return the first cell of each row."""
    lines = module.__doc__.splitlines()
    borders = [number for number, line in enumerate(lines) if line.startswith("====")]
    body = lines[borders[1] + 1 : borders[2]]
    return [line[:22].strip() for line in body if line[:1].strip()]
