"""No file gets a turn of phrase more that a native engineer would not write."""

import pytest

from tests.style import english

TEXTS = {
    "a.md": (
        "# What is here\n\nWho waits? In the place of a\npod.\n",
        "in the place of",
    ),
    "b.md": ("It ends. What it\nneeds is here.\n", "What, Who"),
    "c.md": ("| a | b |\n| --- | --- |\n| Of many, one | only |\n", "Of"),
    "d.md": ("Of course.\n\n```\nit runs alone\n```\n", ""),
    "a.py": ('"""Say whether it ends."""\n', "Say whether"),
    "b.py": ("x = 1\n#: two files, one\n#: of which ends\n", "of which"),
    "c.py": ('alone = f"it has {x} alone"\n', "alone"),
    "a.go": ("// run runs a pod\n// alone.\nvar alone = 1\n", "alone"),
    "a.js": ("/**\n * Whoever waits is told.\n */\nlet alone;\n", "What, Who"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_phrase_is_found_in_what_a_file_says_to_people(name, tmp_path):
    text, phrase = TEXTS[name]
    (tmp_path / name).write_text(text)
    assert english.count(tmp_path / name) == ({phrase: 1} if phrase else {})


def test_no_count_rises():
    allowed = english.allowed()
    more = [
        f"{name}: {phrase!r} {n} times, not {most}; better: {english.BETTER[phrase]}"
        for name, counts in english.count_all().items()
        for phrase, n in counts.items()
        if n > (most := allowed.get(name, {}).get(phrase, 0))
    ]
    assert not more, "\n".join(more)


def test_what_is_allowed_can_only_be_lowered(tmp_path, monkeypatch):
    """A file that is gone or better loses its row; one that is worse gets none."""
    table = tmp_path / "english.toml"
    table.write_text('"a.md" = { "Of" = 2 }\n"gone.md" = { "Of" = 1 }\n')
    monkeypatch.setattr(english, "ALLOWED", table)
    counts = {"a.md": {"Of": 1, "alone": 3}, "new.md": {"Of": 1}}
    monkeypatch.setattr(english, "count_all", lambda: counts)
    english.main()
    assert english.allowed() == {"a.md": {"Of": 1}}
