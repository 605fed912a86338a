"""Messages of public threads are explained as their threads were answered."""

import re
import time

import pytest

from cluster.tests.slowness import scaled
from helpers.messages import STEPS, explain_text
from helpers.messages.rules import rules
from tests.notebooks import ROOT
from tools import errors, threads

ALL = [pytest.param(each, id=each.thread) for each in threads.threads()]


def test_the_corpus_is_whole():
    """A key is of a thread: its words, a cause, and a step of the request."""
    halves = [threads.threads([half]) for half in threads.HALVES]
    assert len(halves[0]) == 68 and len(halves[1]) >= 100
    places = [(each.thread, each.message) for half in halves for each in half]
    assert len({*places}) == len(places)
    for each in threads.threads():
        assert each.message.strip() and each.answer and each.cause
        assert each.step in STEPS or each.cause == threads.FOREIGN, each.thread


def test_a_cause_is_named_for_each_rule_that_exists():
    ids = {rule.id for rule in rules()}
    assert {*threads.causes_of()} <= ids
    named = {cause for causes in threads.causes_of().values() for cause in causes}
    assert {each.cause for each in threads.threads()} <= named | {threads.FOREIGN}


@pytest.mark.parametrize("thread", ALL)
def test_no_message_of_a_thread_is_explained_wrongly(thread):
    assert thread.verdict != "wrong", explain_text(thread.message)


@pytest.mark.parametrize("half", threads.HALVES)
def test_most_messages_have_their_cause(half):
    found = threads.counts([half])
    assert found["right"] >= 0.75 * sum(found.values()), found


def test_what_is_unknown_has_a_step_that_the_thread_does_not_contradict():
    for each in threads.threads():
        advice = explain_text(each.message)
        if not advice.rule and each.cause != threads.FOREIGN:
            assert advice.step in {"", each.step} and advice.ask, each.thread


def test_each_message_takes_a_tenth_of_a_second_at_most():
    """Count the processor's time: what else runs on the machine takes none of it."""
    for each in threads.threads():
        began = time.process_time()
        explain_text(each.message)
        assert time.process_time() - began < scaled(0.1), each.thread


def test_the_page_says_how_many_messages_are_explained():
    """The page has the figures of now, in both languages."""
    found = threads.counts()
    for text in (errors.page(), (ROOT / "notebooks/ko/errors.md").read_text("utf-8")):
        numbers = [int(number) for number in re.findall(r"\d+", text.split("##")[0])]
        for figure in (sum(found.values()), found["right"]):
            assert figure in numbers
