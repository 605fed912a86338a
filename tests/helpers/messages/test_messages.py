"""A message is explained by its own rule, in Python and by the script of the site."""

import json
import random
import re
import shlex
import shutil
import time

import pytest
from kubernetes import client
from pydantic import ValidationError
from urllib3.exceptions import LocationValueError

from cluster.errors import LabError
from cluster.tests.slowness import scaled
from helpers import explain
from helpers.course import lessons
from helpers.messages import STEPS, WORDS, Advice, explain_text, pasted
from helpers.messages.rules import rules
from tests.helpers.messages.node import as_data, in_node
from tests.notebooks import ROOT
from tools import errors, threads

EXAMPLES = [
    pytest.param(rule, message, id=f"{rule.id}-{number}")
    for rule in rules()
    for number, message in enumerate(rule.examples)
]
FORBIDDEN = (
    'pods "q" is forbidden: User "system:serviceaccount:shop:clerk" cannot get '
    'resource "pods" in API group "" in the namespace "shop"'
)
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
#: what is no message at all, and what no rule knows
UNKNOWN = {
    "nothing": "",
    "blanks": " \n\t\u3000",
    "binary": bytes(range(256)).decode("latin-1") * 40,
    "a megabyte": "All is well.\n" * 80_000,
    "another language": "연결이 거부되었다. 서버를 찾을 수 없다.",
    "HTML": f"<html>{SCRIPT}</html>",
    "another program": "fatal: repository 'https://example.com/x.git/' not found",
    "half a pair": "\ud83d broken \udc00",
}
#: parts of texts that no rule may mistake
PARTS = (
    '"',
    "\\",
    "{user}",
    "{}",
    "`",
    "$(rm -rf ~)",
    "'",
    "\x1b[31m",
    "User ",
    "cannot ",
    "\n",
    "%",
    "$&",
    "$1",
    "\u2028",
    "x" * 500,
    "dial tcp ",
    ": ",
    "(Forbidden): ",
)


@pytest.mark.parametrize(("rule", "message"), EXAMPLES)
def test_a_message_is_explained_by_its_rule(rule, message):
    advice = explain(message)
    assert (advice.rule, advice.step, advice.lesson) == (
        rule.id,
        rule.step,
        rule.lesson,
    )
    assert advice.why and advice.ask and advice.hint
    assert not re.search(r"\{\w+\}", advice.why + advice.hint)
    shown = repr(advice)
    assert advice.why in shown and advice.ask in shown and advice.hint in shown


def broken_at(width: int, text: str) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


CHANGES = {
    "with a prompt and what was typed": lambda text: (
        f"me@box:~$ kubectl get x\n$ {text}\n"
    ),
    "in color": lambda text: f"\x1b[1;31m{text}\x1b[0m\x1b]0;title\x07",
    "quoted in a mail": lambda text: f"> {text}\n> me too\n",
    "broken within words": lambda text: broken_at(17, text),
    "broken and indented": lambda text: broken_at(40, text).replace("\n", "\n      "),
    "with quotes that are quoted": lambda text: text.replace('"', '\\"'),
    "in a log as JSON": lambda text: json.dumps({"level": "error", "msg": text}),
    "as HTML": lambda text: text.replace('"', "&#34;"),
    "with curved quotes": lambda text: re.sub('"([^"]*)"', "“\\1”", text),
    "with blanks that do not break": lambda text: text.replace(" ", "\xa0"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_message_is_known_however_it_was_copied(change):
    lost = [
        (rule.id, message)
        for rule in rules()
        for message in rule.examples
        # Nothing can be told apart by a single word.
        if rule.id != "proxy-forbidden"
        if explain(CHANGES[change](message)).rule != rule.id
    ]
    assert lost == []


def test_the_smallest_role_is_written_as_commands():
    advice = explain(f"Error from server (Forbidden): {FORBIDDEN}")
    assert advice.commands == (
        "kubectl create role clerk-get-pods --verb=get --resource=pods "
        "--resource-name=q --namespace=shop",
        "kubectl create rolebinding clerk-get-pods --role=clerk-get-pods "
        "--serviceaccount=shop:clerk --namespace=shop",
    )
    log = "\n".join([FORBIDDEN, FORBIDDEN, FORBIDDEN.replace("get", "delete")])
    assert len(explain(log).commands) == 4
    nodes = FORBIDDEN.replace(' in the namespace "shop"', " at the cluster scope")
    assert [line.split()[2] for line in explain(nodes).commands] == [
        "clusterrole",
        "clusterrolebinding",
    ]


def test_a_check_names_the_object_and_the_subresource():
    """Behind a slash `can-i` takes a name: `pods/exec` would be a pod."""
    user = "--as=system:serviceaccount:shop:clerk"
    assert explain(FORBIDDEN).ask == f"kubectl auth can-i get pods/q -n shop {user}"
    run = FORBIDDEN.replace('get resource "pods"', 'create resource "pods/exec"')
    expected = f"kubectl auth can-i create pods/q --subresource=exec -n shop {user}"
    assert explain(run).ask == expected
    everywhere = FORBIDDEN.replace(' in the namespace "shop"', " at the cluster scope")
    listed = everywhere.replace('pods "q"', "pods").replace("cannot get", "cannot list")
    assert explain(listed).ask == f"kubectl auth can-i list pods -A {user}"


@pytest.mark.parametrize(
    "text",
    [
        FORBIDDEN,
        FORBIDDEN.replace('pods "q"', "pods").replace("cannot get", "cannot list"),
        FORBIDDEN.replace('"pods"', '"pods/log"'),
        FORBIDDEN.replace('pods "q"', 'jobs.batch "q"')
        .replace('"pods"', '"jobs"')
        .replace('group ""', 'group "batch"'),
        FORBIDDEN.replace(' in the namespace "shop"', " at the cluster scope"),
        'forbidden: User "mia" cannot get path "/metrics"',
    ],
)
def test_a_message_whose_quotes_the_shell_has_taken_is_the_same(text):
    assert explain(text.replace('"', "")) == explain(text)


def test_an_informer_needs_both_verbs_and_perhaps_one_namespace():
    rule = next(rule for rule in rules() if rule.id == "reflector")
    cluster_wide = rule.examples[0]
    commands = explain(cluster_wide).commands
    assert [command.split()[2] for command in commands] == [
        "clusterrole",
        "clusterrolebinding",
        "role",
        "rolebinding",
    ]
    assert "--verb=list,watch" in commands[0] and "--verb=list,watch" in commands[2]
    assert commands[2].endswith("--namespace=default")
    namespaced = cluster_wide.replace(
        "at the cluster scope", 'in the namespace "default"'
    )
    assert explain(namespaced).commands == commands[2:]


ADDRESS = "10.0.0.5:6443"
POOL = "HTTPSConnectionPool(host='10.0.0.5', port=6443): "


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            f'Get "https://{ADDRESS}/api?timeout=32s": tls: failed to verify '
            "certificate: x509: certificate is valid for web, 127.0.0.1, not 10.0.0.5",
            "certificate-name",
        ),
        (
            f'Get "https://{ADDRESS}/api": x509: certificate signed by unknown '
            "authority",
            "unknown-authority",
        ),
        (
            f"{POOL}Max retries exceeded with url: /x (Caused by SSLError(SSLError(1, "
            "'[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: ...",
            "local-issuer",
        ),
        (f"dial tcp {ADDRESS}: connect: connection refused", "connection-refused"),
        ("Failed to connect to 10.0.0.5 port 6443 after 0 ms", "connection-refused"),
        (f"{POOL}Read timed out. (read timeout=1)", "client-timeout"),
        (
            f'Get "https://{ADDRESS}/api": context deadline exceeded '
            "(Client.Timeout exceeded while awaiting headers)",
            "client-timeout",
        ),
    ],
)
def test_an_address_of_a_message_is_filled_in(text, rule):
    advice = explain(text)
    assert advice.rule == rule
    assert ADDRESS in f"{advice.why} {advice.ask}" and "HOST" not in repr(advice)


def test_a_wrong_name_says_both_sides():
    advice = explain("x509: certificate is valid for web, 127.0.0.1, not 10.0.0.5")
    assert "`10.0.0.5`" in advice.why and "`web`" in advice.why
    assert "--tls-server-name=web" in advice.hint


def test_a_cut_message_misses_its_end_alone():
    cut = FORBIDDEN.replace(' in the namespace "shop"', "")
    assert explain(cut).rule == "forbidden-cut"
    assert explain(cut[:70]).rule == "forbidden-unnamed"


@pytest.mark.parametrize(
    ("text", "step", "ask"),
    [
        ("fatal: not a git repository", "", "kubectl"),
        ("kubectl: Segfault", "", "kubectl"),
        ("Error from server: the disk is full of frogs", "", "kubectl"),
        ("x509: the moon is not full", "tls", "openssl"),
        ("dial tcp 10.0.0.5:6443: connect: the wire is cut", "address", "kubectl"),
    ],
)
def test_of_an_unknown_message_it_says_the_step_if_words_do(text, step, ask):
    advice = explain(text)
    assert (advice.rule, advice.step) == ("", step)
    assert advice.why == WORDS["unknown"] and "-v=8" in advice.hint
    assert advice.ask.startswith(ask)


def test_an_excluded_text_is_not_of_the_rule():
    """Others use the same words; the next rule that fits has them."""
    excluding = [rule for rule in rules() if rule.excludes]
    assert excluding
    for rule in excluding:
        for message in rule.examples:
            assert rule.exclusion and not rule.exclusion.search(
                pasted.readings(message)[2]
            )


def test_in_a_terminal_a_lesson_has_its_path(monkeypatch):
    message = "404 page not found"
    assert repr(explain(message)).endswith("(03-kubectl-proxy.ipynb)")
    assert ".ipynb" not in explain(message)._repr_markdown_()
    monkeypatch.setenv("LAB_LANG", "ko")
    assert repr(explain(message)).endswith("(ko/03-kubectl-proxy.ipynb)")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clerk", "clerk:x"),
        ("system:serviceaccount:shop:clerk", "system:anonymous"),
        ("system:serviceaccount:shop:clerk", "system:node:one"),
        ("get resource", "impersonate resource"),
    ],
)
def test_nobody_gets_a_role_who_should_not(old, new):
    assert explain(FORBIDDEN.replace(old, new)).commands == ()


def test_a_command_has_the_names_of_a_message_quoted():
    """Others have written the message: nothing in it may run when it is pasted."""
    evil = "$(touch x); `id` '"
    text = FORBIDDEN.replace('"q"', f'"{evil}"').replace(
        "system:serviceaccount:shop:clerk", f"me{evil}"
    )
    advice = explain(text)
    for command in advice.commands:
        words = shlex.split(command)
        assert words[:2] == ["kubectl", "create"]
        assert all(word.startswith("--") for word in words[4:])
    assert len(advice.commands) == 2
    narrow = explain(FORBIDDEN.replace('"pods" in', '"pods,secrets" in'))
    assert narrow.rule == "forbidden-unnamed"


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_it_does_not_know_it_says(name):
    advice = explain(UNKNOWN[name])
    assert (advice.rule, advice.commands, advice.lesson) == ("", (), "")
    assert (
        advice.why and advice.hint and bool(advice.ask) == bool(UNKNOWN[name].strip())
    )


def cost(text):
    """Return the least seconds of a processor that a text takes, of three rounds."""
    rounds = []
    for _ in range(3):
        began = time.process_time()
        explain(text)
        rounds.append(time.process_time() - began)
    return min(rounds)


def test_a_long_text_is_read_at_both_ends_and_quickly():
    """It costs no more than what is read of it, and that grows with its length."""
    line = "nothing to see here\n"
    filler = line * 60_000
    most = 3 * cost(FORBIDDEN + line * (pasted.LIMIT // len(line)))
    for text in (FORBIDDEN + filler, filler + FORBIDDEN):
        advice = explain(text)
        assert advice.rule == "forbidden-namespaced" and WORDS["cut"] in advice.why
        assert cost(text) < min(most, scaled(0.1))
    parts = 'User "' * 20, "dial tcp " * 5, "(Forbidden): error when "
    half, whole = ("".join(part * count for part in parts) for count in (50, 100))
    assert len(whole) < pasted.LIMIT
    # Twice as much; what looks back from each place would take four times as much.
    assert cost(whole) < min(3 * cost(half), scaled(0.1))


def test_markdown_shows_a_message_as_text():
    """A notebook believes the output of its own kernel, and would run a script."""
    shown = explain(f"0/1 nodes are available: 1 {SCRIPT}`x")._repr_markdown_()
    outside = shown.split("`")[::2]
    assert not any("<" in part for part in outside)
    assert isinstance(explain(SCRIPT), Advice)


# --- The rules, and what is made of them ----------------------------------------------


def test_the_rules_are_whole():
    ids = [rule.id for rule in rules()]
    assert len({*ids}) == len(ids)
    numbers = {lesson.number for lesson in lessons()}
    for rule in rules():
        assert rule.step in STEPS and rule.lesson in numbers and rule.examples, rule.id
        # JavaScript has no other names of groups, and both forget what `.*` may cost.
        for pattern in (rule.pattern, rule.excludes):
            assert not re.search(r"\(\?[^P:]|[*+]\)?[*+]|\.\*|\.\+", pattern), rule.id
    for _, thread in (quote for rule in rules() for quote in rule.quoted):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", thread)
    assert sum(len(rule.examples) for rule in rules()) > 100


def test_the_page_is_what_the_rules_say():
    assert errors.PAGE.read_text("utf-8") == errors.page()
    korean = (ROOT / "notebooks/ko/errors.md").read_text("utf-8")
    for text in (errors.page(), korean):
        for rule in rules():
            assert f'<a id="message-{rule.id}"></a>\n' in text
            assert all(message in text for message in rule.examples)


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not here")
def test_the_script_says_the_same():
    """For all messages, for what no rule knows, and for texts without sense."""
    dice = random.Random(7)
    examples = [message for rule in rules() for message in rule.examples]
    texts = [*examples, *(text for text in UNKNOWN.values())]
    texts += [change(text) for change in CHANGES.values() for text in examples[::5]]
    for _ in range(300):
        words = dice.choice(examples).split(" ")
        words[dice.randrange(len(words))] = "".join(dice.choices(PARTS, k=3))
        texts.append(" ".join(words))
    texts += [message.replace('"', "") for message in examples]
    texts += [thread.message for thread in threads.threads()]
    texts += ["kubectl: Segfault", "x509: the moon", "dial tcp x: the wire is cut"]
    texts += ["x" * 30_000 + FORBIDDEN, "😀" * 20_001 + FORBIDDEN]
    for text, said in zip(texts, in_node(texts), strict=True):
        assert said == as_data(explain_text(text)), text[:200]


def test_the_script_has_the_limit_of_the_page():
    text = (ROOT / "website/_static/explain.js").read_text("utf-8")
    assert f"LIMIT = {pasted.LIMIT:_};" in text
    scripts = ("explain.js", "paste.js")
    assert (
        sum((ROOT / "website/_static" / name).stat().st_size for name in scripts)
        < 60_000
    )


# --- Exceptions -----------------------------------------------------------------------


class Refused(Exception):
    """An exception of a client, whose body has the server's words."""

    body = (
        '{"message": "Operation cannot be fulfilled on pods \\"q\\": '
        "the object has been modified; please apply your changes to the "
        'latest version and try again"}'
    )


def chained() -> Exception:
    """Return an exception that says nothing, caused by one that says all."""
    try:
        try:
            raise OSError("dial tcp 10.0.0.5:6443: connect: connection refused")
        except OSError as error:
            raise RuntimeError("it failed") from error
    except RuntimeError as error:
        return error


def test_an_exception_is_read_with_its_type_body_and_cause():
    with pytest.raises(ValidationError) as missing:
        client.V1PodSpec()
    with pytest.raises(LocationValueError) as lost:
        raise LocationValueError("No host specified.")
    assert explain(missing.value).rule == "python-required"
    assert explain(lost.value).rule == "not-configured"
    assert explain(chained()).rule == "connection-refused"
    assert explain(Refused("it failed")).rule == "modified"
    assert explain(ValueError("no such color")).rule == ""


def test_what_is_no_exception_and_no_text_is_refused():
    with pytest.raises(LabError):
        explain(7)
