"""Deep JSON is refused before the compiled scanner sees it."""

import json

import pytest

from tab.python import nesting


@pytest.fixture
def decoder(monkeypatch):
    """Let Python have the decoder of a tab, for one test."""
    monkeypatch.setattr(
        json.JSONDecoder, "raw_decode", json.JSONDecoder.raw_decode, raising=True
    )
    nesting.install()


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"[":'])
def test_what_is_too_deep_is_refused(decoder, opened):
    with pytest.raises(RecursionError, match="maximum recursion depth"):
        json.loads(opened * 100_000)


def test_what_is_just_deep_enough_is_read(decoder):
    text = "[" * nesting.DEEPEST + "]" * nesting.DEEPEST
    assert json.dumps(json.loads(text)) == text
    with pytest.raises(RecursionError):
        json.loads(f"[{text}]")


def test_brackets_in_strings_and_beside_one_another_count_nothing(decoder):
    flat = [{"key": "[" * 2000 + '\\"{' * 2000 + "\n"}] * 1000
    assert json.loads(json.dumps(flat)) == flat


@pytest.mark.parametrize("text", ["[" * 400 + '"' + "[" * 600, '"' * 3 + "{" * 501])
def test_an_unclosed_string_is_an_error_like_any_other(decoder, text):
    with pytest.raises((json.JSONDecodeError, RecursionError)):
        json.loads(text)
