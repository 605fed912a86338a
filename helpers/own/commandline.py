"""Read what a kubectl command line would do, before it does it. Pure.

Only as much as it takes to tell a write from a read, and where it would go. What
cannot be told apart counts as a write.
"""

from collections.abc import Sequence
from dataclasses import dataclass

#: commands that change nothing on a server
READS = frozenset(
    "api-resources api-versions cluster-info completion config describe events explain "
    "get help kustomize logs options plugin top version wait".split()
)
#: commands that read with one of these as their second word
_READS_OF = {"auth": {"whoami", "can-i"}, "rollout": {"status", "history"}}
#: commands whose first word is a pod, or a name, unless it is written TYPE/NAME
_OF_NAMES = frozenset("attach cp debug exec expose port-forward run".split())
#: commands that are about nodes and certificates, whatever they name
OF_CLUSTER = frozenset("certificate cordon drain taint uncordon".split())
#: options by which kubectl is told which cluster to ask
_TARGET = frozenset(
    "--kubeconfig --context --cluster --server -s --tls-server-name "
    "--certificate-authority --insecure-skip-tls-verify".split()
)
#: options whose value may be the next word
_WITH_VALUE = _TARGET - {"--insecure-skip-tls-verify"} | frozenset(
    "-n --namespace -f --filename -k --kustomize -l --selector -o --output -c "
    "--container -p --patch --patch-file --type --field-selector --field-manager "
    "--timeout --grace-period --image --replicas --subresource --template -v --v "
    "--user --token --as --as-group --as-uid --request-timeout --client-certificate "
    "--client-key --cache-dir --for --raw --from-literal --from-file --from-env-file "
    "--verb --resource --resource-name --role --clusterrole --serviceaccount --group "
    "--overrides --env --labels --port --restart --audience --duration "
    "--bound-object-kind --bound-object-name --bound-object-uid --target".split()
)
#: options without a value
_ALONE = frozenset(
    "-A --all-namespaces -R --recursive -i --stdin -t --tty -it -ti -q --quiet -w "
    "-h --help --all --attach --cascade --dry-run --edit --force --force-conflicts "
    "--list --local --ignore-not-found --insecure-skip-tls-verify --now --overwrite "
    "--prune --rm --save-config --server-side --show-managed-fields --validate --wait "
    "--watch".split()
)
_ALL = ("-A", "--all-namespaces", "--prune")


@dataclass(frozen=True)
class Attempt:
    """What a command line is about.

    `types` are the words that may name a kind of resource, `names` what follows the
    first of them. `target` are the options that choose the cluster, as they stand.
    """

    command: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    namespace: str
    everywhere: bool
    files: tuple[str, ...]
    raw: str
    target: tuple[str, ...]
    writes: bool


def read(words: Sequence[str]) -> Attempt:
    """Return what kubectl would do with these words, its own name not among them."""
    plain, options, target, sure = _split(words)
    command, *rest = plain or [""]
    last = dict(options)
    files = [value for name, value in options if name in ("-f", "--filename")]
    # A directory of kustomize is no file, and is told so.
    files += [value for name, value in options if name in ("-k", "--kustomize")]
    reads = command in READS or command == ""
    reads |= bool(rest) and rest[0] in _READS_OF.get(command, ())
    reads |= last.get("--dry-run") == "client" or not {"-h", "--help"}.isdisjoint(last)
    return Attempt(
        command,
        *_typed(command, rest, sure),
        last.get("--namespace") or last.get("-n") or "",
        any(name in _ALL and value != "false" for name, value in options),
        tuple(dict.fromkeys(files)),
        last.get("--raw", ""),
        tuple(target),
        not reads,
    )


def _typed(
    command: str, rest: list[str], sure: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words that name kinds, as `pods`, and the names after them.

    Unless it is `sure` which words are values of options, any of them may be a kind.
    """
    first, *others = rest or [""]
    slashed = [word for word in rest if "/" in word]
    kinds = [word.partition("/")[0] for word in slashed if command != "cp"]
    names = [word.partition("/")[2] for word in slashed]
    if command not in _OF_NAMES and "/" not in first:
        kinds += ",".join([first] if sure else rest).split(",")
        names += others
    return tuple(kind.partition(".")[0] for kind in kinds if kind), tuple(names)


def _split(
    words: Sequence[str],
) -> tuple[list[str], list[tuple[str, str]], list[str], bool]:
    """Return plain words, options with their values, and those that choose a target.

    The last is whether all options were known, and so what is a value.
    """
    plain, options, target, sure = [], [], [], True
    left = list(words)
    while left and (word := left.pop(0)) != "--":
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        took = [word]
        if not word.startswith("--") and len(name) > 2 and name[:2] in _WITH_VALUE:
            # The short form without a blank, as -nNAME or -f-.
            name, value = word[:2], word[2:].removeprefix("=")
        elif not equals and name in _WITH_VALUE and left:
            value = left.pop(0)
            took.append(value)
        sure &= bool(equals) or name in _WITH_VALUE | _ALONE
        options.append((name, value))
        if name in _TARGET:
            target += took
    return plain, options, target, sure
