"""Let the browser of a codespace in: to Jupyter its pages are of another site.

GitHub hands port 8888 on from https://NAME-8888.app.github.dev. The browser names that
address as the origin of its websockets, and Jupyter, which was asked for localhost,
answers 403. Only this codespace's own addresses are let in; the token stays. Elsewhere,
as in an editor with Docker, nothing is changed.
"""

import os
import re

name = os.environ.get("CODESPACE_NAME")
if name:
    domain = os.environ.get(
        "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev"
    )
    origin = rf"https://{re.escape(name.lower())}-\d+\.{re.escape(domain)}$"
    get_config().ServerApp.allow_origin_pat = origin  # noqa: F821
