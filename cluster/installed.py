"""Say how a person calls the commands: in a checkout, or as an installed program."""

import re
from pathlib import Path

PROGRAM = "kubernetes-api-notebooks"
_ABOVE = Path(__file__).resolve().parents[1]
#: From a wheel. Of the path alone: where the machine runs, the checkout is not seen.
INSTALLED = _ABOVE.name in ("site-packages", "dist-packages")
#: what texts say of a checkout, and what to say instead
_INSTEAD = {
    r"(\.venv/bin/)?python -m helpers": PROGRAM,
    r"\bmake (?=lab|setup)": f"{PROGRAM} ",
    r"docs/binder\.md": "the README",
}


def named(text: str) -> str:
    """Return a text for people with the commands as they are called here.

    `python -m helpers` would be another Python than that of uvx or pipx.
    """
    for words, ours in _INSTEAD.items() if INSTALLED else ():
        text = re.sub(words, ours, text)
    return text


def version() -> str:
    """Return the version of this suite; "unknown" of a part, as in a build's image."""
    if INSTALLED:
        # Not on top: every error imports this module.
        from importlib import metadata

        return metadata.version(PROGRAM)
    file = _ABOVE / "pyproject.toml"
    text = file.read_text("utf-8") if file.exists() else 'version = "unknown"'
    return re.findall(r'^version = "(.+)"', text, re.MULTILINE)[0]
