"""The Korean edition: made of English and of locale/ko, and of nothing else."""

import json
import os
from pathlib import Path

import pytest

from tests.notebooks import ROOT, load
from tools import blocks, korean
from tools.korean_faults import faults

SOURCES = [*korean.sources()]
LESSONS = [source for source in SOURCES if source.lesson]

# --- What is a message ------------------------------------------------------------

PAGE = """\
# Ask the server

It answers, or
it [refuses](06-be-allowed.ipynb).

1. One?
   Or `two`?
2. `kubectl`

> **Note:** quoted

| code | why |
| --- | --- |
| `401` | not \\| known |

```sh
echo untouched
```

    kind: Pod

<details><summary>Yes</summary>✓ It <code>is</code>.</details>

<details>
<summary><b>Solution</b></summary>

Folded.

</details>
<!-- of the course -->

```{toctree}
:caption: Lessons
```
"""
MESSAGES = [
    "Ask the server",
    "It answers, or\nit [refuses](06-be-allowed.ipynb).",
    "One?\nOr `two`?",
    "**Note:** quoted",
    "code",
    "why",
    "not \\| known",
    "Yes",
    "✓ It <code>is</code>.",
    "<b>Solution</b>",
    "Folded.",
    "Lessons",
]


def test_each_block_of_markdown_is_a_message_and_the_rest_is_kept():
    found = []
    told = blocks.markdown(PAGE, lambda text: found.append(text) or text.upper())
    assert found == MESSAGES
    wanted = PAGE
    for message in MESSAGES:
        for line in message.split("\n"):
            wanted = wanted.replace(line, line.upper(), 1)
    assert told == wanted


def test_the_lines_of_a_text_in_a_picture_are_one_message():
    drawn = "<title id='a'>{}</title><text><tspan>{}</tspan><tspan>{}</tspan></text>"
    korean = {"A pod": "파드", "asks the\nserver": "서버에\n묻는다"}
    told = blocks.picture(drawn.format("A pod", "asks the", "server"), korean.get)
    assert told == drawn.format("파드", "서버에", "묻는다")


@pytest.mark.parametrize("source", LESSONS, ids=lambda source: source.catalog)
def test_code_ids_tags_and_metadata_are_those_of_english(source):
    """However prose is translated; no cell of it stays in English."""
    english = load(source.english)
    told = json.loads(source.told(lambda *_: "한국어"))
    for own, cell in zip(english["cells"], told["cells"], strict=True):
        if cell["cell_type"] == "code":
            assert cell == own
        else:
            assert "한국어" in "".join(cell["source"])
            assert cell | {"source": own["source"]} == own
    assert told | {"cells": english["cells"]} == english


def test_a_frame_is_no_message_of_its_lesson():
    """Titles, summaries and promises are translated once, for all that show them."""
    found: dict[str, set[str]] = {}
    lesson = LESSONS[2]
    lesson.told(lambda name, _, text: found.setdefault(name, set()).add(text) or text)
    assert {lesson.lesson.title, *lesson.lesson.can} <= found["course"]
    assert not found["course"] & found[lesson.catalog] - {"Go deeper"}


# --- From English to Korean -------------------------------------------------------

FIRST = "# Ask\n\nThe server answers.\n\nSee [two](two.md) and [how](../docs/how.md).\n"
WORDS = {
    "Ask": "묻기",
    "The server answers.": "서버가 대답한다.",
    "See [two](two.md) and [how](../docs/how.md).": (
        "[둘](two.md)과 [방법](../docs/how.md)을 보자."
    ),
    "Two": "둘",
}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a directory with two pages in English and a helper that says something."""
    for name, text in {
        "notebooks/one.md": FIRST,
        "notebooks/two.md": "# Two\n",
        "docs/how.md": "",
        "helpers/wrong.py": 'say("{name} is wrong.", name=1), mark("Right."), str("")',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    folder = tmp_path / "notebooks"
    monkeypatch.setattr(
        korean,
        "sources",
        lambda: iter(
            korean.Source(name, folder / f"{name}.md", folder / f"ko/{name}.md")
            for name in ("one", "two")
        ),
    )
    for name, path in {
        "ROOT": "",
        "EDITION": "notebooks/ko",
        "CATALOGS": "locale/ko",
        "HELPERS": "helpers",
        "COMPILED": "helpers/locale/ko/LC_MESSAGES/helpers.mo",
    }.items():
        monkeypatch.setattr(korean, name, tmp_path / path)
    assert korean.main(["update"]) == 0
    return tmp_path


def translate(words, *names):
    """Fill in these words, as a translator does with an editor."""
    for name in names:
        catalog = korean.read(name)
        for message in catalog:
            if message.id in words:
                message.string = words[message.id]
                message.flags.discard("fuzzy")
        (korean.CATALOGS / f"{name}.po").write_bytes(korean.po(name, catalog))


def found(*names):
    return [*korean.check([*names])]


def test_a_page_is_written_when_it_is_whole(course):
    """Until then links of others lead to the English one."""
    translate(WORDS, "one")
    assert korean.main(["write"]) == 0
    pages = course / "notebooks/ko"
    assert not (pages / "two.md").exists()
    assert (
        "[둘](../two.md)과 [방법](../../docs/how.md)을"
        in (pages / "one.md").read_text()
    )
    translate(WORDS, "two")
    assert "notebooks/ko/one.md: not in step. Run: make korean" in found()
    assert korean.main(["write"]) == 0
    assert (
        "[둘](two.md)과 [방법](../../docs/how.md)을" in (pages / "one.md").read_text()
    )
    assert (pages / "two.md").read_text() == "# 둘\n"


def test_what_the_helpers_say_is_compiled_beside_them(course, monkeypatch):
    """And titles of lessons; what is not translated yet is said in English."""
    from helpers import language

    translate({"{name} is wrong.": "{name}: 틀렸다."}, "helpers")
    frames = korean.read("course")
    frames.add(LESSONS[0].lesson.title, "시작하기")
    (korean.CATALOGS / "course.po").write_bytes(korean.po("course", frames))
    assert "#, python-brace-format" in (korean.CATALOGS / "helpers.po").read_text()
    korean.main(["write"])
    monkeypatch.setattr(language, "CATALOGS", course / "helpers/locale")
    monkeypatch.setenv("LAB_LANG", "ko")
    language._catalog.cache_clear()
    told = language.say("{name} is wrong.", name="A"), language.say("Right.")
    title = language.say(LESSONS[0].lesson.title)
    language._catalog.cache_clear()
    assert told == ("A: 틀렸다.", "Right.") and title == "시작하기"


def test_a_change_of_english_is_found_until_it_is_translated(course, capsys):
    """The page in Korean stays as it was: older, and right about what it shows."""
    right = {"{name} is wrong.": "{name}: 틀렸다.", "Right.": "맞았다."}
    translate(WORDS | right, "one", "two", "helpers")
    korean.main(["write"])
    assert korean.main(["check"]) == 0
    before = (course / "notebooks/ko/one.md").read_text()
    page = course / "notebooks/one.md"
    page.write_text(FIRST.replace("The server answers", "The server always answers"))
    changed = "one.po: English has changed: The server always answers."
    step = "one.po: not in step with English. Run: make korean"
    assert found() == [changed, step]
    korean.main(["update"])
    korean.main(["write"])
    assert found() == found("one") == [changed]
    assert "#, fuzzy" in (korean.CATALOGS / "one.po").read_text()
    assert (course / "notebooks/ko/one.md").read_text() == before
    assert korean.main(["check"]) == 1 and changed in capsys.readouterr().out
    translate({"The server always answers.": "서버는 늘 대답한다."}, "one")
    korean.main(["write"])
    assert found() == []


def test_what_is_missing_is_counted_and_in_a_catalog_named(course):
    translate(WORDS, "one")
    assert "two.po: 1 of 1 messages are missing" in found()
    assert found("two") == ["two.po: not translated: Two"]


def test_words_that_another_catalog_has_are_filled_in(course):
    """And those that a page had before."""
    translate(WORDS, "one", "two")
    one, two = (course / f"notebooks/{name}.md" for name in ("one", "two"))
    two.write_text("# Ask\n")
    korean.main(["update"])
    assert 'msgid "Ask"\nmsgstr "묻기"' in (korean.CATALOGS / "two.po").read_text()
    one.write_text("# Two\n")
    korean.main(["update"])
    assert 'msgid "Two"\nmsgstr "둘"' in (korean.CATALOGS / "one.po").read_text()


def test_what_is_left_over_is_named(course):
    old = course / "notebooks/ko/deeper/old.ipynb"
    old.parent.mkdir(parents=True)
    for path in (old, korean.CATALOGS / "old.po"):
        path.write_text("")
        line = f"{path.relative_to(course)}: left over from something. Remove it."
        assert line in found()


def test_a_fault_is_told_with_its_message_unless_somebody_has_checked_it(course):
    translate(WORDS | {"Two": "둘입니다."}, "two")
    assert found("two") == ["two.po: polite style: 둘입니다: Two"]
    path = korean.CATALOGS / "two.po"
    path.write_text(path.read_text().replace("#: two.md", "# checked\n#: two.md"))
    assert found("two") == []


# --- The catalogs of this repository ----------------------------------------------


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """Return the edition of catalogs that are whole, if in English."""
    for name, catalog in korean.updated().items():
        for message in catalog:
            message.string = message.id
            message.flags.discard("fuzzy")
        (tmp_path / f"{name}.po").write_bytes(korean.po(name, catalog))
    monkeypatch.setattr(korean, "CATALOGS", tmp_path)
    return korean.edition()


def test_links_of_a_whole_edition_lead_to_it(whole):
    """Those between its lessons are as in English; others to where that leads."""
    assert whole.keys() == {source.korean for source in SOURCES} | {korean.COMPILED}
    for source in SOURCES:
        told = whole[source.korean].decode().replace(".io/ko/docs/", ".io/docs/")
        english = source.english.read_text("utf-8")
        links = [korean._LINK.findall(text) for text in (told, english)]
        assert korean._LINK.sub("", told) == korean._LINK.sub("", english)
        for new, old in zip(*links, strict=True):
            target = Path(os.path.normpath(source.korean.parent / new))
            here = Path(os.path.normpath(source.english.parent / old))
            if here.exists():
                # README.md leads to its Korean, which leads back.
                assert target in whole or target in (here, source.english)
            else:
                assert new == old
        if source.korean.is_relative_to(korean.EDITION):
            assert links[0] == links[1]


def test_a_page_leads_back_to_its_english_as_that_leads_to_it(tmp_path):
    readme = korean.Source("a", tmp_path / "a.md", tmp_path / "a.ko.md")
    there = {readme.korean: readme.english}
    assert korean.linked(readme, "[English](a.ko.md)", there) == "[English](a.md)"


def test_readme_leads_to_the_korean_lessons():
    """And to the docs in English, as they do; to pages of Kubernetes in Korean."""
    [readme] = [source for source in SOURCES if source.catalog == "readme"]
    told = readme.told(lambda *message: message[-1])
    there = {source.english: source.korean for source in SOURCES}
    text = korean.linked(readme, told, there)
    assert "](notebooks/ko/deeper/12-certificates.ipynb)" in text
    assert "](docs/binder.md)" in text and "](LICENSE)" in text
    assert "](notebooks/00" not in text
    page = (
        "[a](https://kubernetes.io/docs/concepts/workloads/pods/{}) [b](https://a.b/)"
    )
    told = korean.linked(readme, page.format(""), there)
    assert told == page.format("").replace("/docs/", "/ko/docs/")
    assert korean.linked(readme, page.format("#uses"), there) == page.format("#uses")
    deeper = next(one for one in LESSONS if one.english.parent.name == "deeper")
    link = "[a](../images/p05-handshake.svg) [b](../../docs/binder.md#the-site)"
    assert korean.linked(deeper, link, there) == (
        "[a](../images/p05-handshake.svg) [b](../../../docs/binder.md#the-site)"
    )


# --- Faults -----------------------------------------------------------------------

ENGLISH = "The [**token**](glossary.md#token) of `default` has 2 parts.\nRead {name}."
KOREAN = (
    "`default`의 [**토큰**](glossary.md#token)은 2개 부분으로 되어 있다.\n{name} 읽기."
)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("`default`의", "default의", "other code: none in place of default"),
        ("glossary.md#token", "a.md", "other links: a.md in place of glossary.md#t"),
        ("{name}", "{이름}", "other {names}: {이름} in place of {name}"),
        ("2개", "<b>2개</b>", "other tags: <b> </b> in place of none"),
        ("2개", "✓ 2개", "other marks: ✓ in place of none"),
        ("2개", "두 개", "other numbers: 2"),
        ("2개", "2개(1.33부터)", "other numbers: 1.33"),
        ("있다.\n", "있다. ", "not as many lines"),
        ("읽기.", "읽기:", "ends in a colon"),
        (
            "[**토큰**](",
            "[**토큰(token)**은](",
            "makes nothing bold, and is shown: )**은",
        ),
        ("있다.", "있습니다.", "polite style: 있습니다"),
        ("있다.", "있어요.", "polite style: 있어요"),
        ("**토큰**", "**증표**", "token is 토큰"),
        ("부분", "포드의 부분", "포드: write 파드"),
        ("으로 되어", "로 되어", ""),
        ("token)은", "token)는", "particle: [**토큰**]는"),
    ],
)
def test_a_fault_is_found(old, new, fault):
    assert [*faults(ENGLISH, KOREAN, {})] == []
    assert old in KOREAN
    told = [*faults(ENGLISH, KOREAN.replace(old, new), {})]
    assert [one for one in told if fault and fault in one] or not (fault or told), told


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("`kubectl`은", "`kubectl`는"),
        ("`curl`로", "`curl`으로"),
        ("401은", "401는"),
        ("404는", "404은"),
        ("10으로", "10로"),
        ("API를", "API을"),
        ("URL을", "URL를"),
        ("토큰(token)을", "토큰(token)를"),
        ("**파드**를", "**파드**을"),
        ("[01](a.ipynb)로", "[01](a.ipynb)으로"),
        ("namespace와", "namespace과"),
        ("{name}(으)로", "`node`으로"),
    ],
)
def test_a_particle_goes_with_the_sound_before_it(right, wrong):
    told = {text: [*faults(text, text, {})] for text in (right, wrong)}
    assert [any("particle" in one for one in told[text]) for text in told] == [
        False,
        True,
    ]


def test_a_lesson_has_one_title():
    english = "See [02 Find it](02-find.ipynb)."
    titles = {"Find it": "찾기"}
    assert [*faults(english, "[02 찾기](02-find.ipynb)를 보자.", titles)] == []
    [told] = faults(english, "[02 찾아보기](02-find.ipynb)를 보자.", titles)
    assert told == "another title of a lesson: it is 찾기"


@pytest.mark.parametrize(
    "text", ["아니다.", "묻는 것이 아니다.", "*이* 값", "a * b", "`**`는"]
)
def test_what_only_looks_like_a_fault_is_none(text):
    assert [*faults(text, text, {})] == []


def test_a_page_of_kubernetes_is_listed_because_a_lesson_leads_there():
    pages = korean.PAGES.read_text().splitlines()
    assert pages == sorted({*pages})
    paths = [source.english for source in SOURCES if source.english.suffix != ".svg"]
    text = "".join(path.read_text("utf-8") for path in paths)
    assert [page for page in pages if f"({page})" not in text] == []


def test_a_small_number_may_be_a_word_in_english():
    """As are months; a name in braces is no word."""
    english = "In March {lessons} of ten minutes each, since 2017."
    korean = "2017년부터 3월에 {lessons} 10분짜리."
    assert [*faults(english, korean, {})] == []


def test_no_term_is_to_be_written_and_never_to_be_written():
    with (ROOT / "locale/ko/terms.tsv").open() as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    assert all(len(row) == 4 for row in rows)
    right = {word for row in rows[1:] for word in row[1].split("|")}
    never = {word for row in rows[1:] for word in row[2].split("|")} - {""}
    assert not right & never
    assert len({row[0] for row in rows}) == len(rows)
