"""The flags that the guard knows are those that the genuine kubectl has."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster import apiserver
from cluster.existing import grammar

pytestmark = pytest.mark.full("infrastructure that lessons do not touch")
#: not understood on purpose: its file gives commands other flags
LEFT_OUT = {"--kuberc"}
#: what pflag gives every command without printing it among the options
UNPRINTED = {"-h", "--help"}


def run(*words):
    """Run kubectl where nothing can be asked, and no preferences are."""
    return subprocess.run(
        [apiserver.programs() / "kubectl", *words],
        env={"HOME": "/nonexistent", "KUBECONFIG": "/dev/null", "KUBERC": "off"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def kubectl(*words):
    done = run(*words)
    return done.stdout if done.returncode == 0 else ""


def printed_flags(text):
    """Return the flags in a help text, and whether each is a boolean."""
    found = {}
    rows = re.findall(r"^    (?:(-\w), )?(--[\w-]+)=(.*):$", text, re.MULTILINE)
    for short, long, default in rows:
        found[long] = default in ("true", "false")
        if short:
            found[short] = found[long]
    return found


def known_flags(command, *without):
    flags = grammar.flags(command)
    return {
        name: flag.value == "never"
        for name, flag in flags.items()
        if name not in without and name not in UNPRINTED
    }


@pytest.fixture(scope="module")
def helps():
    """Return the help of every command of kubectl, by its words."""
    found, level = {"": kubectl("--help")}, [""]
    with ThreadPoolExecutor() as pool:
        while level:
            names = [
                f"{command} {name}".strip()
                for command in level
                for block in re.findall(
                    r"^[A-Z].*Commands?\b.*:\n((?:  \S.*\n)+)", found[command], re.M
                )
                for name in re.findall(r"^  (\S+)", block, re.M)
            ]
            texts = pool.map(lambda name: kubectl(*name.split(), "--help"), names)
            found |= dict(zip(names, texts, strict=True))
            level = names
    return found


def test_every_command_is_known_and_no_other(helps):
    """Reads have no row; `kuberc` changes what other commands do, and is refused."""
    below = {}
    for name in filter(None, helps):
        above, _, last = name.rpartition(" ")
        below.setdefault(above, set()).add(last)
    first = set(grammar.below("").values())
    assert below[""] - first == {"kuberc"}
    # What kubectl has beside them is for shells, or prints nothing of itself.
    extra = {"__complete", "__completeNoDesc", "help", "options"}
    assert first - below[""] == extra <= grammar.READS
    for command in first - grammar.READS:
        for name in [command, *(n for n in helps if n.startswith(f"{command} "))]:
            if name.partition(" ")[2] not in grammar.READS_OF.get(command, ()):
                known = set(grammar.below(name).values())
                assert known == below.get(name, set()), name


def test_other_names_of_commands_are_known(helps):
    for command, text in helps.items():
        above, _, name = command.rpartition(" ")
        row = re.search(r"^Aliases:\n(.*)$", text, re.M)
        others = set(row[1].split(", ")) - {name} if row else set()
        if above.partition(" ")[0] in grammar.READS - {""} and above:
            continue
        known = grammar.below(above)
        assert {n for n in known if known[n] == name and n != name} == others, command


def test_every_flag_of_a_command_that_may_write_is_known_and_no_other(helps):
    everywhere = known_flags("")
    for command, text in helps.items():
        try:
            known = known_flags(command)
        except KeyError:
            continue  # it only reads
        of_itself = {name: known[name] for name in known if name not in everywhere}
        # `debug` has a `--profile` of its own, with a value as the other one.
        printed = printed_flags(text)
        shared = {name: printed[name] for name in printed if name in everywhere}
        assert shared.items() <= everywhere.items(), command
        assert of_itself == {n: printed[n] for n in printed if n not in shared}, command


def test_every_flag_of_all_commands_is_known_and_no_other():
    printed = printed_flags(kubectl("options"))
    assert printed.keys() - known_flags("").keys() == LEFT_OUT
    assert {n: printed[n] for n in printed if n not in LEFT_OUT} == known_flags("")


def test_kubectl_itself_takes_the_next_word_for_a_value_where_we_do():
    """A flag that nobody knows is the next word: it is a value, or an error."""
    commands = {}
    for command in filter(None, grammar._rows()):
        for name, flag in grammar.flags(command).items():
            if name.startswith("--") and flag.value != "never":
                commands.setdefault(name, command)

    def takes(name):
        done = run(*commands[name].split(), name, "--nobody", "--help")
        return "unknown flag: --nobody" not in done.stderr

    with ThreadPoolExecutor() as pool:
        taken = dict(zip(commands, pool.map(takes, commands), strict=True))
    for name, command in commands.items():
        flag = grammar.flags(command)[name]
        assert taken[name] == (flag.value == "always"), f"{command} {name}"
    assert len(taken) > 100
    never = {name for name in taken if not taken[name]}
    assert never == {"--cascade", "--dry-run", "--validate"}
