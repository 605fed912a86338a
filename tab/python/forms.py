"""Give an output the forms that a page can show: pictures as text, Markdown as HTML."""

import base64
import json
from typing import Any


def for_page(data: dict[str, Any]) -> dict[str, Any]:
    """Return the forms of an output, by their types; raise nothing."""
    forms = {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }
    if "text/html" in forms:
        return forms
    if "text/markdown" in forms:
        # Few cells need it.
        import mistune

        forms["text/html"] = str(mistune.html(forms["text/markdown"]))
    elif "application/json" in forms:
        value = forms["application/json"]
        forms["text/plain"] = json.dumps(value, indent=2, default=str)
    elif "text/latex" in forms:
        forms["text/plain"] = forms["text/latex"]
    return forms
