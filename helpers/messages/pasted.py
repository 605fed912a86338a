"""Turn what was pasted into one plain line. Pure; `explain.js` does the same.

Terminals, mails and JSON change a message on its way: colours, prompts, quoted quotes,
lines that were broken, even within a word.
"""

import re

#: characters of a paste that are read: one half from its beginning, one from its end
LIMIT = 20_000

_COLOURS = re.compile(
    "\x1b\\[[0-9;?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?"
)
_PROMPT = re.compile(r"^[ \t]*(?:(?:[$#%>|❯➜│]|PS>|>>>)[ \t]+)+", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\ufeff]")
#: the blanks of Python's \s and of JavaScript's are not the same
_BLANK = "[\t\n\x0b\x0c\r \x85\xa0\u2028\u2029\u3000]"
_BREAK = re.compile(rf"[\r\n]+{_BLANK}*")
_BLANKS = re.compile(f"{_BLANK}+")
_MARKS = (
    ('\\"', '"'),
    ("&quot;", '"'),
    ("&#34;", '"'),
    ("&#39;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("\\u003c", "<"),
    ("\\u003e", ">"),
    ("\u201c", '"'),
    ("\u201d", '"'),
    ("\u2018", "'"),
    ("\u2019", "'"),
    ("\\n", " "),
    ("\\t", " "),
)

#: a denied request whose quotes a shell has taken: its object, who sent it, and where
_UNQUOTED = (
    (
        r'([a-z0-9-]{1,253})(\.[a-z0-9.-]{1,253})? ([^" ,:]{1,253}) is forbidden: '
        r'(?=User [^" ,]{1,300} cannot [a-z]{1,40} resource \1)',
        r'\1\2 "\3" is forbidden: ',
    ),
    (
        r'User ([^" ,]{1,300}) cannot ([a-z]{1,40}) resource ([a-z0-9./-]{1,300}) '
        r"in API group (?:([a-z0-9.-]{1,253}) )?(?=in the namespace|at the cluster)",
        r'User "\1" cannot \2 resource "\3" in API group "\4" ',
    ),
    (
        r'in API group ("[a-z0-9.-]{0,253}") in the namespace ([a-z0-9-]{1,63})',
        r'in API group \1 in the namespace "\2"',
    ),
    (
        r'User ([^" ,]{1,300}) cannot ([a-z]{1,40}) path (/[^" ,]{0,300})',
        r'User "\1" cannot \2 path "\3"',
    ),
)


def shorten(text: str) -> str:
    """Return the beginning and the end of a text that is too long, else all of it."""
    if len(text) <= LIMIT:
        return text
    return f"{text[: LIMIT // 2]}\n{text[-LIMIT // 2 :]}"


def readings(text: str) -> tuple[str, str, str]:
    """Return three readings of a paste.

    With a blank for each line break; with nothing, for words that were broken; and
    without any blank.
    """
    text = _COLOURS.sub("", text)
    text = _CONTROL.sub("", _PROMPT.sub("", text))
    while '\\\\"' in text:
        text = text.replace('\\\\"', '\\"')
    for mark, plain in _MARKS:
        text = text.replace(mark, plain)
    spaced = _with_quotes(_BLANKS.sub(" ", text).strip(" "))
    joined = _with_quotes(_BLANKS.sub(" ", _BREAK.sub("", text)).strip(" "))
    return spaced, joined, spaced.replace(" ", "")


def _with_quotes(text: str) -> str:
    """Return a text with the quotes of a denied request that a shell has taken."""
    for pattern, plain in _UNQUOTED:
        text = re.sub(pattern, plain, text)
    return text
