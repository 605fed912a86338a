"""Make the page of messages, and the data of the box on the site, of the rules.

`python -m tools.course` writes the page, which says of a message what `explain` says.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from helpers.course import Lesson, lessons
from helpers.messages import STEPS, WORDS, explain_text, fill, values_of
from helpers.messages.rules import Rule, clues, rules
from tools.threads import FIRST_RUN, counts

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
PAGE = NOTEBOOKS / "errors.md"
#: place of the box, which only the site has
BOX = '<div id="explain"></div>'
#: what the box needs of a rule
_OF_BOX = (
    *("id", "step", "pattern", "excludes", "defaults", "cause", "ask", "way"),
    *("lesson", "role", "verbs", "trial"),
)
Say = Callable[[str], str]


def page(say: Say = str, frame: Say = str) -> str:
    """Return the page; `say` has words of the rules, `frame` those of the course."""
    found = counts()
    parts = [
        f"# {frame('Errors, message by message')}",
        frame(
            "What does this message mean, at which step did the request end, and what "
            "is the way out?\nEach message here was printed by the real program in a "
            "test, or is quoted with its thread."
        ),
        frame(
            "`explain(text)` in a notebook and `kapi explain` in a terminal say the "
            "same of a message with your own names in it, and for a 403 they write the "
            "smallest Role."
        ),
        frame(
            "Measured on {count} messages of public threads, each with its thread's "
            "own answer as the key: {right} are explained as in the thread, {half} "
            "name the cause but another step, {unknown} are said to be unknown, and "
            "{wrong} are wrong.\nThe rules have learned from these messages. When "
            "{blind} of them were new, {first_right} of those were right and "
            "{first_wrong} wrong: an explanation of a message that isn't on this page "
            "can be wrong, too."
        ).format(count=sum(found.values()), **found, **FIRST_RUN),
        BOX,
    ]
    by_step = sorted(rules(), key=lambda rule: [*STEPS].index(rule.step))
    for step, group in itertools.groupby(by_step, key=lambda rule: rule.step):
        parts.append(f"## {say(STEPS[step])}")
        for rule in group:
            parts += _entry(rule, say, frame)
    return "\n\n".join(parts) + "\n"


def _entry(rule: Rule, say: Say, frame: Say) -> Iterator[str]:
    """Yield the parts of a rule's entry."""
    # Places are Sphinx's for all pages, and the glossary has an `image`, too.
    yield f'<a id="message-{rule.id}"></a>\n### `{rule.title}`'
    yield "\n".join(
        ["```text", *rule.messages, *(text for text, _ in rule.quoted), "```"]
    )
    if rule.quoted:
        links = [_thread(name) for _, name in rule.quoted]
        quoted = frame("Quoted, not printed here: {threads}.")
        yield quoted.format(threads=", ".join(dict.fromkeys(links)))
    example = rule.examples[0]
    values, advice = values_of(rule, example), explain_text(example)
    yield f"**{say(WORDS['why'])}:** {fill(say(rule.cause), values)}"
    yield f"**{say(WORDS['ask'])}:** `{advice.ask}`"
    yield f"**{say(WORDS['way'])}:** {fill(say(rule.way), values)}"
    if advice.commands:
        yield "\n".join(["```sh", *advice.commands, "```"])
    lesson = lesson_by_number()[rule.lesson]
    title = f"{lesson.number} {frame(lesson.title)}"
    yield f"{say(WORDS['lesson'])}: [{title}]({lesson.path.as_posix()})"


def _thread(name: str) -> str:
    repository, _, number = name.partition("#")
    return f"[{name}](https://github.com/{repository}/issues/{number})"


def lesson_by_number() -> dict[str, Lesson]:
    """Return the lessons by their numbers."""
    return {lesson.number: lesson for lesson in lessons()}


def script(say: Say, *, trial: str) -> str:
    """Return the data of the box; `trial` is the page of *Try it*, or ""."""
    texts = [
        {key: getattr(rule, key) for key in _OF_BOX}
        | {"cause": say(rule.cause), "way": say(rule.way)}
        for rule in rules()
    ]
    data = {
        "rules": texts,
        "clues": [asdict(clue) for clue in clues()],
        "words": {key: say(text) for key, text in WORDS.items()},
        "steps": {key: say(text) for key, text in STEPS.items()},
        "lessons": {
            number: [say(lesson.title), f"notebooks/{lesson.path.with_suffix('.html')}"]
            for number, lesson in lesson_by_number().items()
        },
        "places": {"page": "notebooks/errors.html", "trial": trial},
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # Some engines take these for the end of a line, even in a string.
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"const RULES = {text};\n"
