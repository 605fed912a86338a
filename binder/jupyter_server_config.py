"""Let the browser of the machine around a container in, at http://127.0.0.1:8888.

Whoever starts Jupyter can say otherwise on its command line, as Binder does. The token
stays.
"""

import os
import re

c = get_config()  # noqa: F821

# Not the loopback device: the host's port leads to the container's address.
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.port = 8888
c.ServerApp.open_browser = False
c.LabApp.default_url = "/lab/tree/notebooks/00-start-here.ipynb"
# Its terminals know kubectl and the cluster, as those of `make lab` do.
SHELL = 'eval "$(python -m helpers up)"; exec bash'
c.ServerApp.terminado_settings = {"shell_command": ["bash", "-c", SHELL]}

# GitHub hands port 8888 of a codespace on from https://NAME-8888.app.github.dev. The
# browser names that address as the origin of its websockets, and Jupyter, which was
# asked for localhost, answers 403. Only this codespace's own addresses are let in.
name = os.environ.get("CODESPACE_NAME")
if name:
    domain = os.environ.get(
        "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev"
    )
    origin = rf"https://{re.escape(name.lower())}-\d+\.{re.escape(domain)}$"
    c.ServerApp.allow_origin_pat = origin
