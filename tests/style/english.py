"""Count in each file the turns of phrase that a native engineer would not write.

    .venv/bin/python -m tests.style.english    # lower the counts that are allowed

english.toml has the counts of today. A file may have fewer, and a new one has none.
"""

import ast
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = Path(__file__).with_name("english.toml")
#: folders with text of ours, and those in them that others have written or a tool has
FOLDERS = ("benchmarks", "binder", "cluster", "docs", "helpers", "notebooks", "tab")
FOLDERS += ("tests", "tools", "website")
DERIVED = {"ko", "node_modules", "vendor", "locks", "described", "__pycache__"}
#: a phrase, what is better, and what it looks like anywhere in a text
PHRASES = {
    "in the place of": ("instead of", re.compile(r"\bin (?:the )?place of\b", re.I)),
    "of which": ("a sentence of its own", re.compile(r"\bof which\b", re.I)),
    "alone": ("only", re.compile(r"(?<!let )(?<!runs )\balone\b", re.I)),
}
#: a phrase, what is better, and what it looks like at the beginning of a sentence
BEGINNINGS = {
    "Say whether": ("Return whether", re.compile(r"Say whether\b")),
    "Of": ("the subject first", re.compile(r"Of (?!course\b)")),
    "What, Who": ("the noun itself", re.compile(r"(?:What|Who)(?:ever)? (?!.*\?$)")),
}
BETTER = {name: better for name, (better, _) in (PHRASES | BEGINNINGS).items()}
_COMMENTS = {".py": "#:?", ".go": "//", ".js": "//|/?[*]+"}
#: between two sentences, paragraphs, items or cells of a table
_BETWEEN = re.compile(r"(?<=[.!?:])[*_`)]*\s+|\n\s*\n|\n\s*(?=[-*|>]|\d+\.)|\s\|\s")
_FENCED = re.compile(r"^```.*?^```|^#.*?$", re.MULTILINE | re.DOTALL)
_MARKS = " \n*_>|-`0123456789."


def texts(path: Path) -> Iterator[str]:
    """Yield what a file says to people: prose, comments, docstrings and messages."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        yield _FENCED.sub("\n\n", text)
    elif path.suffix == ".ipynb":
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] == "markdown":
                yield _FENCED.sub("\n\n", "".join(cell["source"]))
    else:
        comment = rf"^\s*(?:{_COMMENTS[path.suffix]})(?: |$)(.*)$"
        matches = (re.match(comment, line) for line in text.splitlines())
        yield "\n".join(match[1] if match else "\n" for match in matches)
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def count(path: Path) -> Counter[str]:
    """Return how often a file has each phrase."""
    counts: Counter[str] = Counter()
    for text in texts(path):
        for name, (_, pattern) in PHRASES.items():
            counts[name] += len(pattern.findall(text))
        for sentence in _BETWEEN.split(text):
            words = " ".join(sentence.strip(_MARKS).split()) if sentence else ""
            for name, (_, pattern) in BEGINNINGS.items():
                counts[name] += bool(pattern.match(words))
    return +counts


def files() -> Iterator[Path]:
    """Yield every file with text of ours."""
    yield from sorted(ROOT.glob("*.md"))
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            written = not DERIVED & {*path.relative_to(ROOT).parts}
            if written and path.suffix in {".md", ".ipynb", *_COMMENTS}:
                if path.is_file() and "english" not in path.name:
                    yield path


def count_all() -> dict[str, Counter[str]]:
    """Return the counts of each file that has a phrase, by its path."""
    counts = {path.relative_to(ROOT).as_posix(): count(path) for path in files()}
    return {name: counted for name, counted in counts.items() if counted}


def allowed() -> dict[str, Counter[str]]:
    """Return the counts that are allowed, by path."""
    table = tomllib.loads(ALLOWED.read_text("utf-8"))
    return {name: Counter(counts) for name, counts in table.items()}


def main() -> None:
    """Lower what is allowed to what is there."""
    lines = ["# What tests/style/english.py allows: its command lowers these counts.\n"]
    before = allowed()
    for name, counts in count_all().items():
        counts = Counter(counts) & before.get(name, Counter())
        pairs = ", ".join(f'"{phrase}" = {n}' for phrase, n in sorted(counts.items()))
        lines += [f'"{name}" = {{ {pairs} }}\n'] if pairs else []
    ALLOWED.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
