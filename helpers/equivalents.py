"""Write the lines of kubectl and curl that ask the same as an explorer did. Pure.

They are for bash. No secret is in an argument, where every user of the machine can read
it, and none is written into a file: `<(…)` is a pipe.
"""

import shlex

from helpers.explorer import LIMIT, Request, Target, request


def kubectl_line(target: Target, *, table: bool = False, options: str = "") -> str:
    """Return the command line of kubectl that reads the same.

    The JSON of a list by its path, because kubectl gets every page of it otherwise, and
    makes one list of them; for a table it says that it does.
    """
    resource = target.resource
    words = ["kubectl", *([options] if options else []), "get"]
    listed = resource is not None and not target.name
    if resource is None or "/" in resource.name or (listed and not table):
        path = request(target, table=table).path
        return " ".join([*words, f"--raw {shlex.quote(path)}"])
    words.append(resource.full_name)
    if target.name:
        words.append(shlex.quote(target.name))
    if resource.namespaced:
        where = f"--namespace={shlex.quote(target.namespace)}"
        words.append(where if target.namespace else "--all-namespaces")
    if listed:
        words.append(f"--chunk-size={LIMIT}  # goes on to the end of the list")
    elif not table:
        # kubectl leaves out who owns which field, unless told not to.
        words += ["--output=json", "--show-managed-fields"]
    return " ".join(words)


#: Where curl finds what kubectl has in its kubeconfig: nothing is written into a file.
_ENTRY = (
    "entry() { kubectl config view --raw --minify --flatten"
    ' -o "jsonpath={$1}" | base64 -d; }'
)
_CA = "--cacert <(entry '.clusters[0].cluster.certificate-authority-data')"
_PAIR = (
    "--cert <(entry '.users[0].user.client-certificate-data')"
    " \\\n  --key <(entry '.users[0].user.client-key-data')"
)
_OWN_TOKEN = (
    '--header @<(echo "Authorization: Bearer $(kubectl config view --raw --minify'
    " -o 'jsonpath={.users[0].user.token}')\")"
)
_TOKEN = '--header @<(echo "Authorization: Bearer $TOKEN")'


def curl_line(server: str, asked: Request, who: str) -> str:
    """Return the lines of bash that ask the same with curl.

    `who` asks: "certificate" or "token" of the kubeconfig, "other token", "nobody".
    """
    credentials = {
        "certificate": _PAIR,
        "token": _OWN_TOKEN,
        "other token": _TOKEN,
        "nobody": "",
    }[who]
    words = ["curl --silent --show-error", _CA, credentials]
    words.append(f"--header {shlex.quote('Accept: ' + asked.accept)}")
    words.append(shlex.quote(server.rstrip("/") + asked.path))
    lines = " \\\n  ".join(word for word in words if word)
    return f"{_ENTRY}\n{lines}"


def kubectl_options(server: str, who: str) -> str:
    """Return what makes kubectl ask as somebody who is not the kubeconfig's user."""
    if who in ("certificate", "token"):
        return ""
    # Beside the certificate of the kubeconfig another credential would count for
    # nothing. Without any, kubectl would ask for a name; no API server reads one.
    change = """jq '.users[0].user = {username: "nobody"}'"""
    if who == "other token":
        change = "TOKEN=$TOKEN jq '.users[0].user = {token: env.TOKEN}'"
    entry = "kubectl config view --raw --minify --flatten --output=json"
    return f"--server={server} --kubeconfig=<({entry} | {change})"
