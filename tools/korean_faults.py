"""Find what is wrong with a Korean message: marks, words, style, particles.

Faults that a program cannot judge are left out: the sentence itself is for a reader.
"""

import csv
import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TERMS = Path(__file__).resolve().parent.parent / "locale" / "ko" / "terms.tsv"
_CODE = re.compile(r"(`+)(.+?)\1|<code>(.+?)</code>")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAME = re.compile(r"\{[^{}]*\}")
_TAG = re.compile(r"</?\w+[^>]*>")
#: parts that a translation has as often as its English
_KEPT = {
    "code": _CODE,
    "links": _LINK,
    "{names}": _NAME,
    "tags": _TAG,
    "marks": re.compile(r"[✓✗←→·]"),
}
#: emphasis that slants: Hangul has no italics
_SLANTED = re.compile(r"(?<!\*)\*(?![*\s])([^*\n]*[가-힣][^*\n]*)(?<!\s)\*(?!\*)")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
#: ends of the polite styles: the documentation of Kubernetes in Korean does without
_POLITE = re.compile(r"\S*?(?:(\S)니[다까]|시오|[세해아어네]요|죠)(?=[.?!)\s]|$)")
_PARTICLE = re.compile(r"(\S+?)(을|를|은|는|이|가|과|와|으로|로)(?=[\s.,;)]|$)")
_BEHIND_CONSONANT, _BEHIND_VOWEL = {*"을은이과", "으로"}, {*"를는가와", "로"}
_DIGITS = dict(zip("0123456789", "영일이삼사오육칠팔구", strict=True))
#: ends of English words, and the final consonant that they have in Korean; 0 is none
_SOUNDS = {8: "l|le", 4: "[mn]|[mn]e|ng", 0: "[aiouydfghjrsvwxz]|[bcdgikrsuvwyz]e|ee"}
_B, _L = 17, 8
_QUOTES = "]*`\"'”’"


def faults(english: str, korean: str, titles: dict[str, str]) -> Iterator[str]:
    """Yield a sentence for each fault of a message; `titles` are those of lessons."""
    for what, pattern in _KEPT.items():
        old, new = (_count_parts(pattern, text) for text in (english, korean))
        if old != new:
            lost, added = (" ".join(c) or "none" for c in (old - new, new - old))
            yield f"other {what}: {added} in place of {lost}"
    plain, plain_korean = (_plain_text(text) for text in (english, korean))
    numbers, korean_numbers = (
        {*_NUMBER.findall(text)} for text in (plain, plain_korean)
    )
    # Numbers up to twelve are words in English, and months have names.
    more = {n for n in korean_numbers - numbers if "." in n or int(n) > 12}
    if odd := (numbers - korean_numbers) | more:
        yield f"other numbers: {' '.join(sorted(odd))}"
    if english.count("\n") != korean.count("\n"):
        yield "not as many lines: a line of its own for each one of English"
    if english == korean and len(plain.split()) > 4:
        yield "still in English"
    if korean.endswith(":"):
        yield "ends in a colon: write a whole sentence"
    for asterisks in _asterisks(korean):
        yield f"makes nothing bold, and is shown: {asterisks}"
    for slanted in _SLANTED.findall(_CODE.sub("", korean)):
        yield f"slanted Hangul: {slanted}"
    for polite in _POLITE.finditer(plain_korean):
        # 합니다, but not 아니다: the syllable before it ends in a consonant.
        if polite[1] is None or _final(polite[1]) == _B:
            yield f"polite style: {polite[0]}"
    for title, translated in titles.items():
        if translated and f" {title}]" in english and f" {translated}]" not in korean:
            yield f"another title of a lesson: it is {translated}"
    yield from _term_faults(plain, plain_korean)
    yield from _particle_faults(korean)


def _count_parts(pattern: re.Pattern[str], text: str) -> Counter[str]:
    parts = (part[part.lastindex or 0] for part in pattern.finditer(text))
    # Kubernetes has some of its pages in Korean, too.
    return Counter(re.sub(r"(kubernetes\.io)/ko/", r"\1/", part) for part in parts)


def _plain_text(text: str) -> str:
    return _NAME.sub("", _TAG.sub("", _LINK.sub("]", _CODE.sub("", text))))


def _asterisks(text: str) -> Iterator[str]:
    """Yield each run of asterisks that CommonMark shows, as between `)` and `는`."""
    text = _CODE.sub(lambda code: "`" * len(code[0]), text)
    opened: list[tuple[str, str]] = []
    for run in re.finditer(r"(?<![\\*])\*+", text):
        around = text[: run.start()][-1:] or " ", text[run.end() :][:1] or " "
        before, after = map(_kind, around)
        if opened and opened[-1][0] == run[0] and before <= after and before < 2:
            opened.pop()
        elif before + after < 4:  # between spaces it is only an asterisk
            opened.append((run[0], run[0].join(around)))
    yield from (words for _, words in opened)


def _kind(letter: str) -> int:
    """Return 0 for a letter, 1 for punctuation, 2 for a space."""
    return 2 if letter.isspace() else int(unicodedata.category(letter)[0] in "PS")


@functools.cache
def terms() -> list[dict[str, str]]:
    """Return the rows of the terms: patterns of English words, and Korean words."""
    with TERMS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _term_faults(english: str, korean: str) -> Iterator[str]:
    for term in terms():
        right, never = (term[name].split("|") for name in ("korean", "never"))
        # A word for a thing may begin a sentence; the name of a kind is always large.
        word = re.sub("^[a-z]", lambda letter: f"(?i:{letter[0]})", term["english"])
        pattern = rf"(?<![\w:./-])(?<!kubectl )(?:{word})\b(?![:./-]\w)"
        match = re.search(pattern, english)
        if match and not any(word in korean for word in right):
            yield f"{match[0]} is {right[0]}"
        for bad in never:
            if bad and bad in korean:
                yield f"{bad}: write {right[0]}"


def _particle_faults(korean: str) -> Iterator[str]:
    """Yield each particle that does not go with the end of the word before it."""
    # A single syllable may be of a verb: 받는, 잡는.
    words = [word for term in terms() for word in term["korean"].split("|")]
    nouns = {word for word in words if len(word) > 1}
    for word, particle in _PARTICLE.findall(_LINK.sub("]", korean)):
        noun = re.sub(r"\([^()]*\)$", "", word.rstrip(_QUOTES)).rstrip(_QUOTES)
        apart = noun != word or word in nouns
        final = None if word.endswith(("(으)", "(이)")) else _final_of_noun(noun, apart)
        open_ended = not final or (final == _L and particle in ("로", "으로"))
        wrong = _BEHIND_CONSONANT if open_ended else _BEHIND_VOWEL
        if final is not None and particle in wrong:
            yield f"particle: {word}{particle}"


def _final(syllable: str) -> int:
    return (ord(syllable) - ord("가")) % 28 if "가" <= syllable <= "힣" else 0


def _final_of_noun(noun: str, apart: bool) -> int | None:
    """Return the final consonant of a noun as it is read; None if that is not clear."""
    word = re.split(r"[/:.]", noun)[-1]
    last = word[-1:]
    if "가" <= last <= "힣":
        # Without a mark between them, what looks like a particle may be of the noun.
        return _final(last) if apart else None
    if last.isdigit():
        # 20 is read 이십, 100 백; v3 is English.
        return None if re.search(r"[A-Za-z]\d+$", word) else _final(_DIGITS[last])
    if word.isascii() and word.isupper():
        # A short one is spelled, and these letters end in a consonant.
        return {"L": 8, "R": 8, "M": 16, "N": 4}.get(last, 0) if len(word) < 4 else None
    for final, ends in _SOUNDS.items():
        if re.search(rf"(?:{ends})$", word):
            return final
    return None
