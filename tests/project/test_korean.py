"""The Korean edition: made of English and of locale/ko, and of nothing else."""

import re

import pytest

from cluster import language
from helpers.course import lessons
from tests.notebooks import ROOT
from tools import blocks, korean, korean_faults
from tools.korean_faults import faults

PAGE = """\
# «Ask the server»

«It answers, or
it [refuses](06-be-allowed.ipynb).»

1. «One?
   Or `two`?»
2. `kubectl`

> «**Note:** quoted»

| «code» | «why» |
| --- | --- |
| `401` | «not \\| known» |

```sh
echo untouched
```

    kind: Pod

<details><summary>«Yes»</summary>«✓ It <code>is</code>.»</details>

<details>
<summary>«<b>Solution</b>»</summary>

«Folded.»

</details>
<!-- of the course -->

```{toctree}
:caption: «Lessons»
```
"""


def test_each_block_of_markdown_is_a_message_and_the_rest_is_kept():
    """Messages are between « and »; the indent of an item's lines is no part of it."""
    message = re.compile("«(.*?)»", re.DOTALL)
    found = []
    english, wanted = (message.sub(to, PAGE) for to in (r"\1", lambda m: m[1].upper()))
    told = blocks.markdown(english, lambda text: found.append(text) or text.upper())
    assert found == [text.replace("\n   ", "\n") for text in message.findall(PAGE)]
    assert told == wanted


def test_the_lines_of_a_text_in_a_picture_are_one_message():
    drawn = "<title id='a'>{}</title><text><tspan>{}</tspan><tspan>{}</tspan></text>"
    korean = {"A pod": "파드", "asks the\nserver": "서버에\n묻는다"}
    told = blocks.picture(drawn.format("A pod", "asks the", "server"), korean.get)
    assert told == drawn.format("파드", "서버에", "묻는다")


def test_a_text_that_two_pictures_have_is_two_messages():
    """In one it is a word, in the other the name of a file."""
    said = korean.read(korean.PICTURES)
    told = [said.get("namespace", f"{name}.svg").string for name in PICTURES]
    assert told == ["네임스페이스", "namespace"]


PICTURES = "p08-url", "p10-three-files"


def test_a_heading_in_english_is_found_even_if_it_has_no_message():
    prose = "### A 403\n\n## 403 읽기\n```sh\n# a comment\n```\n"
    cells = [
        {"cell_type": "markdown", "source": prose.splitlines(keepends=True)},
        {"cell_type": "code", "source": ["# a comment"]},
    ]
    assert [*korean._english_headings({"cells": cells})] == ["A 403"]


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
    sources = [
        korean.Source(name, folder / f"{name}.md", folder / f"ko/{name}.md")
        for name in ("one", "two")
    ]
    monkeypatch.setattr(korean, "sources", lambda: iter(sources))
    for name in ("ROOT", "EDITION", "CATALOGS", "COMPILED"):
        path = getattr(korean, name).relative_to(ROOT)
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
    one = pages / "one.md"
    assert "[둘](../two.md)과 [방법](../../docs/how.md)을" in one.read_text()
    translate(WORDS, "two")
    assert "notebooks/ko/one.md: not in step. Run: make korean" in found()
    assert korean.main(["write"]) == 0
    assert "[둘](two.md)과 [방법](../../docs/how.md)을" in one.read_text()
    assert (pages / "two.md").read_text() == "# 둘\n"


def test_what_the_helpers_say_is_compiled_beside_them(course, monkeypatch):
    """And titles of lessons; what is not translated yet is said in English."""
    translate({"{name} is wrong.": "{name}: 틀렸다."}, "helpers")
    title = lessons()[0].title
    frame = f'msgid "{title}"\nmsgstr "시작하기"\n'
    (korean.CATALOGS / "course.po").write_text(frame)
    assert "#, python-brace-format" in (korean.CATALOGS / "helpers.po").read_text()
    korean.main(["write"])
    monkeypatch.setattr(language, "CATALOGS", course / "cluster/locale")
    monkeypatch.setenv("LAB_LANG", "ko")
    language._catalog.cache_clear()
    told = language.say("{name} is wrong.", name="A"), language.say("Right.")
    said = language.say(title)
    language._catalog.cache_clear()
    assert told == ("A: 틀렸다.", "Right.") and said == "시작하기"


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


def test_what_is_missing_or_left_over_is_named(course):
    assert "two.po: 1 of 1 messages are missing" in found()
    assert found("two") == ["two.po: not translated: Two"]
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


def test_links_lead_to_korean_where_there_is_some():
    """And to the docs in English; to pages of Kubernetes in Korean, without a place."""
    readme = (ROOT / "README.ko.md").read_text("utf-8")
    for there in (
        "notebooks/ko/08-recap.ipynb",
        "docs/teaching.md",
        "docs/ko/binder.md",
    ):
        assert f"]({there})" in readme
    assert "](notebooks/0" not in readme
    deeper = (korean.EDITION / "deeper/12-certificates.ipynb").read_text("utf-8")
    assert "](../images/" in deeper and "](../../images/" not in deeper
    page = "[a](https://kubernetes.io/docs/concepts/workloads/pods/{})"
    told = korean.rewrite_links(next(korean.sources()), page.format(""), {})
    assert told == page.format("").replace("/docs/", "/ko/docs/")
    other = page.format("#uses")
    assert korean.rewrite_links(next(korean.sources()), other, {}) == other


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
        ("있다.", "*있다*.", "slanted Hangul: 있다"),
        ("있다.", "있습니다.", "polite style: 있습니다"),
        ("있다.", "있어요.", "polite style: 있어요"),
        ("**토큰**", "**증표**", "token is 토큰"),
        ("부분", "포드의 부분", "포드: write 파드"),
        ("token)은", "token)는", "particle: [**토큰**]는"),
    ],
)
def test_a_fault_is_found(old, new, fault):
    assert old in KOREAN
    told = [*faults(ENGLISH, KOREAN.replace(old, new), {})]
    assert [one for one in told if fault in one], told


RIGHT = "`kubectl`은 `curl`로 401은 404는 10으로 API를 URL을 토큰(token)을 **파드**를"
RIGHT += " [01](a.ipynb)로 namespace와 {name}(으)로 파드는 토큰은"
WRONG = "`kubectl`는 `curl`으로 401는 404은 10로 API을 URL를 토큰(token)를 **파드**을"
WRONG += " [01](a.ipynb)으로 namespace과 `node`으로 파드은 토큰는"


def test_a_particle_goes_with_the_sound_before_it():
    assert "particle: " not in " ".join(faults(RIGHT, RIGHT, {}))
    for word in WRONG.split():
        assert "particle: " in " ".join(faults(word, word, {})), word


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        (ENGLISH, KOREAN),
        # A small number may be a word in English, as are months; {name} is no word.
        ("In March {lessons} of ten minutes.", "3월에 {lessons} 10분짜리."),
        ("See [02 Find it](02.ipynb).", "[02 찾기](02.ipynb)를 보자."),
        (
            "It is *this* value: a * b",
            "아니다. 묻는 것이 아니다. **이** 값 a * b `**`는",
        ),
    ],
)
def test_what_only_looks_like_a_fault_is_none(english, korean):
    english += " `**`" * korean.count("`**`")
    assert [*faults(english, korean, {"Find it": "찾기"})] == []


def test_a_lesson_has_one_title():
    told = faults("[02 Find it](a)", "[02 찾아보기](a)", {"Find it": "찾기"})
    assert [*told] == ["another title of a lesson: it is 찾기"]


def test_no_term_is_to_be_written_and_never_to_be_written():
    right, never = (
        {word for row in korean_faults.terms() for word in row[name].split("|")}
        for name in ("korean", "never")
    )
    assert right & never == set()
