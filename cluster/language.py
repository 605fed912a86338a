"""Return messages in the learner's language: the gettext catalogs beside this module.

`LAB_LANG` decides. Without it, a notebook in `ko/` or `ko/deeper/` is in Korean and all
else in English, whatever the locale; but a process that has called `speak` is in the
language that it has named, as the command line is in the locale's. Marked is what a
cell or a command of a learner can show, errors of a start included; `doctor`, the help
and the logs are in English.
"""

import functools
import gettext
import os
import re
from collections.abc import Mapping
from pathlib import Path

CATALOGS = Path(__file__).parent / "locale"
#: the language of this process, whatever its directory; "" leaves it to that
_spoken = ""


def speak(code: str) -> None:
    """Use a language in this process, and in no other: LAB_LANG goes before it.

    One without a catalog changes nothing: the directory decides then.
    """
    global _spoken
    _spoken = code if (CATALOGS / code).is_dir() else ""


def language() -> str:
    """Return the code of the language, such as `ko`."""
    # Jupyter starts a kernel in its notebook's directory.
    here = _here()[-2:]
    korean = here[-1:] == ("ko",) or here == ("ko", "deeper")
    setting = _code(os.environ.get("LAB_LANG", ""))
    return setting or _spoken or ("ko" if korean else "en")


def lessons_language(env: Mapping[str, str]) -> str:
    """Return the code of the lessons to open: of LAB_LANG, else of the locale."""
    names = ("LAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    return _code(next(filter(None, map(env.get, names)), ""))


def _code(setting: str) -> str:
    """Return the code in the name of a language or a locale: `ko` in KO and ko_KR."""
    return re.split(r"[^a-z]", setting.lower())[0]


def _here() -> tuple[str, ...]:
    try:
        return Path.cwd().parts
    except FileNotFoundError:  # removed below a running kernel
        return ()


def say(text: str, /, **values: object) -> str:
    """Return `text` in the learner's language, with its `{names}` filled in.

    `text` is a literal and a whole sentence: the catalog is made from the calls.
    """
    return translate(text).format(**values)


def translate(text: str) -> str:
    """Return a text that is in the catalog in the learner's language, as it stands."""
    return _catalog(language()).gettext(text)


def mark(text: str) -> str:
    """Return `text` unchanged; mark it for the catalog."""
    return text


@functools.cache
def _catalog(code: str) -> gettext.NullTranslations:
    return gettext.translation("messages", CATALOGS, [code], fallback=True)
