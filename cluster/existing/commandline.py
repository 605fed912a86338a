"""Read what a kubectl command line would do, before it does it. Pure.

A line that may write is read as kubectl itself would read it, by the flags in
`cluster.existing.grammar`, or not at all: what is not understood could lead anywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cluster.existing import grammar
from cluster.existing.pflag import NotUnderstood, first_plain, split

#: commands that are about nodes and certificates, whatever they name
OF_CLUSTER = frozenset("certificate cordon drain taint uncordon".split())
#: commands whose words name manifests alone, by flags
_OF_FILES = frozenset(
    ("apply", "apply set-last-applied", "auth reconcile", "create", "diff", "proxy")
    + ("replace",)
)
#: commands whose words are pods, or TYPE/NAME; of others than `debug` only the first
_OF_PODS = frozenset("attach debug exec port-forward".split())
#: commands behind whose `--` stands what a container runs
_WITH_PROGRAM = frozenset(
    ("create cronjob", "create deployment", "create job", "debug", "exec", "run")
)
#: commands that may set KEY=VALUE, or take it away with KEY-
_WITH_PAIRS = frozenset(
    ("annotate", "label", "set env", "set image", "set selector", "taint")
)
#: commands that do nothing themselves but to print what is below them
_GROUPS = ("auth", "certificate", "create secret", "create service", "rollout", "set")
#: flags by which kubectl is told which cluster to ask, and by which way
_TARGET = frozenset(
    "kubeconfig context cluster server tls-server-name certificate-authority "
    "insecure-skip-tls-verify proxy-url".split()
)


@dataclass(frozen=True)
class Attempt:
    """What a command line is about.

    `resources` are its types, as `pods`, each with the names that follow. `namespaces`
    are those that it names itself, "" is the one that counts where none is named.
    `chosen` is by a selector or all at once, `target` the flags that choose a cluster.
    """

    command: str = ""
    writes: bool = False
    resources: tuple[tuple[str, tuple[str, ...]], ...] = ()
    namespaces: tuple[str, ...] = ("",)
    everywhere: bool = False
    chosen: bool = False
    files: tuple[str, ...] = ()
    raw: str = ""
    target: tuple[str, ...] = ()


def read(words: Sequence[str]) -> Attempt:
    """Return what kubectl would do with these words, its own name not among them.

    Raise NotUnderstood for a word of a command that may write.
    """
    command, left = _command(list(words))
    if _only_reads(command):
        return Attempt(command)
    options, plain, behind = split(left, grammar.flags(command))
    if command not in _WITH_PROGRAM:
        plain += behind
    last = dict(options)
    if command in ("", *_GROUPS):
        # It prints what there is, unless a word hides behind a flag.
        if plain:
            raise NotUnderstood(plain[0])
        return Attempt(command)
    if last.get("help") == "true":
        return Attempt(command)
    if last.get("edit") == "true":
        raise NotUnderstood("--edit", "opens an editor, and what it makes is not seen")
    if command == "expose" and last.get("overrides"):
        raise NotUnderstood("--overrides", "could make it another kind")
    raw = last.get("raw", "")
    return Attempt(
        command,
        # `--raw` does not know of a dry run.
        last.get("dry-run") != "client" or bool(raw),
        tuple(_resources(command, plain)),
        _namespaces(command, plain, last.get("namespace", "")),
        "true" in (last.get("all-namespaces"), last.get("prune")),
        last.get("all") == "true"
        or any(last.get(name) for name in ("selector", "field-selector")),
        tuple(dict.fromkeys(_files(options))),
        raw,
        tuple(f"--{name}={value}" for name, value in options if name in _TARGET),
    )


def _only_reads(command: str) -> bool:
    first, _, second = command.partition(" ")
    return first in grammar.READS or second in grammar.READS_OF.get(first, ())


def _command(left: list[str]) -> tuple[str, list[str]]:
    """Return a command, as `create role`, and the words without those.

    kubectl looks for it before it knows the command's own flags, so only those that
    every command has can stand in front of it.
    """
    command = ""
    while below := grammar.below(command):
        index = first_plain(left, grammar.flags(""))
        word = left[index] if index is not None else None
        if word in below:
            command = f"{command} {below[word]}".strip()
            del left[index]
            if _only_reads(command):
                break
        elif command in ("", *_GROUPS):
            if word is not None:
                raise NotUnderstood(word, "is no command of kubectl's own")
            break
        else:
            # `apply` and `create`, which have flags of their own and commands below.
            for each in left[: left.index("--")] if "--" in left else left:
                if each in below:
                    raise NotUnderstood(each, "may be a command or a value")
            break
    return command, left


def _files(options: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, value in options:
        if name == "filename":
            # A list, as kubectl reads it, in which a quote would hide a comma.
            if '"' in value:
                raise NotUnderstood(value, "has a quote in a list of files")
            yield from value.split(",")
        elif name == "kustomize":
            yield value  # a directory is no file, and is told so


def _namespaces(command: str, plain: list[str], named: str) -> tuple[str, ...]:
    """Return the namespaces that a line names; of `cp` also NAMESPACE/POD:PATH."""
    if command != "cp":
        return (named,)
    found = {}
    for word in plain:
        pod, colon, _ = word.partition(":")
        namespace = pod.rpartition("/")[0]
        if colon and "/" in namespace:
            raise NotUnderstood(word, "is no NAMESPACE/POD:PATH")
        if colon:
            found[namespace or named] = None
    return tuple(found) or (named,)


def _resources(command: str, plain: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the types that the plain words name, each with the names after it."""
    if command in _OF_FILES:
        if plain:
            raise NotUnderstood(plain[0])
        return
    if command.startswith("create ") or command in ("cp", "run"):
        return
    if command in _OF_PODS:
        pods = plain if command == "debug" else plain[:1]
        plain = [word for word in pods if "/" in word]
    elif command == "set serviceaccount":
        plain = plain[:-1]
    elif command in _WITH_PAIRS:
        plain = [word for word in plain if not _is_pair(word)]
    slashed = [word for word in plain if "/" in word]
    if not slashed:
        for kind in plain[0].split(",") if plain else ():
            yield kind, tuple(plain[1:])
        return
    for word in plain:
        kind, _, name = word.partition("/")
        if not kind or not name or "/" in name:
            raise NotUnderstood(word, "is no TYPE/NAME")
        yield kind, (name,)


def _is_pair(word: str) -> bool:
    # As kubectl tells them, so that `example.com/key=value` is no TYPE/NAME.
    return "=" in word[1:] or word.endswith("-")
