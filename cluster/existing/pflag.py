"""Read flags as pflag reads them, the library of kubectl. Pure.

What it would not know, or would read in another way, is refused and named.
"""

from collections.abc import Mapping, Sequence

from cluster.existing.grammar import Flag

_BOOLEANS = {
    **dict.fromkeys("1 t T TRUE true True".split(), True),
    **dict.fromkeys("0 f F FALSE false False".split(), False),
}
_WAY_OUT = (
    "write flags as --flag=value behind the command, or use your own kubectl, "
    "further down in PATH"
)


class NotUnderstood(Exception):
    """A word that cannot be read for certain; the text is a clause with a way out."""

    def __init__(self, word: str, why: str = "is not understood") -> None:
        """Name the word."""
        self.word = word
        super().__init__(f"the word {word!r} {why}; {_WAY_OUT}")


def first_plain(words: Sequence[str], flags: Mapping[str, Flag]) -> int | None:
    """Return where the first word is that is no flag, or None if flags hide it."""
    index = 0
    while index < len(words) and words[index] != "--":
        word = words[index]
        if not word.startswith("-") or word == "-":
            return index
        try:
            found, rest = _flag(word, words[index + 1 :], flags)
        except NotUnderstood:
            return None
        if any(name == "help" for name, _ in found):
            return None
        index = len(words) - len(rest)
    return None


def split(
    words: list[str], flags: Mapping[str, Flag]
) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Return flags with their values, plain words, and the words behind `--`."""
    options: list[tuple[str, str]] = []
    plain: list[str] = []
    while words:
        word, *words = words
        if word == "--":
            return options, plain, words
        if word.startswith("-") and word != "-":
            found, words = _flag(word, words, flags)
            options += found
        else:
            plain.append(word)
    return options, plain, []


def _flag(
    word: str, left: Sequence[str], flags: Mapping[str, Flag]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the flags in a word with their values, and the words that are left.

    As pflag reads them: `-it`, `-nNAME`, `-n=NAME`, `-itn NAME`, `--flag=value`.
    """
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return _valued(word, flags.get(name), value if equals else None, left)
    found: list[tuple[str, str]] = []
    letters = word[1:]
    while letters:
        flag, rest = flags.get(f"-{letters[0]}"), letters[1:]
        value = None
        if len(rest) > 1 and rest[0] == "=":
            value, rest = rest[1:], ""
        elif flag and flag.value == "always" and rest:
            value, rest = rest, ""
        each, left = _valued(word, flag, value, left)
        found += each
        letters = rest
    return found, list(left)


def _valued(
    word: str, flag: Flag | None, value: str | None, left: Sequence[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    if flag is None:
        raise NotUnderstood(word)
    left = list(left)
    if flag.value == "always":
        if value is None and not left:
            raise NotUnderstood(word, "lacks its value")
        value = left.pop(0) if value is None else value
    elif flag.value == "never":
        known = _BOOLEANS.get("true" if value is None else value)
        if known is None:
            raise NotUnderstood(word, "is neither true nor false")
        value = str(known).lower()
    elif flag.name == "dry-run" and _BOOLEANS.get(value or "true"):
        value = "client"
    return [(flag.name, value or "")], left
