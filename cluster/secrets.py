"""Say what a secret looks like, for all that is shown, noted or handed on.

Three uses need three widths. A message, a note and a page lose every token. A report
for strangers loses whatever may be a secret, harmless text with it. The outputs of
lessons, which are published, are refused for a secret, and a masked one is none.
"""

import re

#: a token of a ServiceAccount, whole or cut in its second or third part
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]*(\.[\w-]*)?")
#: stands where a secret was, in a report
REMOVED = "(removed)"
#: the secrets that a lab has, wherever they are: keys, tokens, kubeconfig credentials
ANY = re.compile(
    r"-----BEGIN[A-Z +]*PRIVATE[ +]KEY-----.*"
    r"|LS0tLS1CRUdJTi[\w+/=]+"
    r"|\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"
    r"|(?i:\b(?:bearer|basic|token)[ +]"
    # The end of a longer word, too: access_token, client_secret, apiKey.
    r"|(?:token|passw(?:or)?d|secret|key)"
    # The quotes of JSON, or of JSON inside a quoted message.
    r'(?:\\?")?[=:] ?)(?:"(?:[^"\\\n]|\\.)+"|\S{8,})'
    # The user in an address, as that of a proxy or a mirror.
    r"|(?<=://)[^/\s@]+(?=@)"
    # A bootstrap token, such as kind's.
    r"|\b[a-z0-9]{6}\.[a-z0-9]{16}\b",
    re.DOTALL,
)
#: what no output of a lesson may show, by kind; "…" stands in a masked one
PUBLISHED = {
    # Also in base64, as in a kubeconfig: "PRIVATE KEY", "RSA …" and "EC …".
    "a private key": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
        r"|LS0tLS1CRUdJTi(BQUklWQVRF|BSU0EgUFJJVkFURS|BFQyBQUklWQVRF)"
    ),
    "a token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{16,}"),
    "a bearer header": re.compile(r"Bearer [\w.~+/-]{24,}"),
    # A key of YAML or JSON, and not "failed to create token: TokenRequest…".
    "a key of a kubeconfig": re.compile(
        r"(?m)(?:^|[{,])\s*[\"']?(?:client-key-data|token|password)[\"']?:"
        r" *[\"']?[\w.~+/-]{16,}={0,2}(?!…)\b"
    ),
    "a token in an address": re.compile(r"[?&](token|access_token)=[\w.~+/-]{12,}"),
}


def without_tokens(text: str) -> str:
    """Return a text without its tokens: pages, and notes of attempts, are passed on."""
    return TOKEN.sub("eyJ…", text)


def without_secrets(text: str) -> str:
    """Return a text with tokens, keys and passwords redacted."""
    return ANY.sub(REMOVED, text)
