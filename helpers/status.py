"""Find the API server's Status in a text. Pure."""

import json
import re


def find_status(text: str) -> dict | None:
    """Return the first Status object in a text, or None."""
    decoder = json.JSONDecoder()
    for brace in re.finditer(r"\{", text or ""):
        try:
            value, _ = decoder.raw_decode(text, brace.start())
        except ValueError:
            continue
        if isinstance(value, dict) and value.get("kind") == "Status":
            return value
    return None
