"""Check the names of a certificate, and the trust of curl in a pod."""

import re
from pathlib import Path

from helpers.api.certificates import address_of, server_certificate, verify_server
from helpers.api.pods import exec_in_pod
from helpers.command import Completed
from helpers.course.exercise import exercise
from helpers.errors import NotSolved, Undecided
from helpers.language import mark, say

SERVICE = "kubernetes.default.svc"
CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
#: exit codes of curl: the certificate is refused; the file has no authorities; there
#: was no response in time
REFUSED, NO_AUTHORITIES, LATE = 60, 77, 28
#: OpenSSL's codes for the chain: self-signed, or an unknown issuer. curl compares names
#: itself, with another code in each version.
CHAIN = {"18", "19", "20", "21"}


@exercise
def find_name(name: str, *, server: str, ca: Path) -> None:
    """Demand a name in the server's certificate other than the host of its URL."""
    host, _ = address_of(server)
    # OpenSSL takes no name with the root's dot, but an address with blanks.
    name = name.strip(". ").lower()
    if not name:
        raise NotSolved(say("There is no answer yet: set `name`."))
    if name == host:
        fault = mark("{host} is the host of the URL itself: find another name.")
        raise NotSolved(say(fault, host=host))
    if not (name.isascii() and name.isprintable()):
        shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in name)
        raise NotSolved(say("{name} is not a name.", name=f"'{shown}'"))
    names = server_certificate(server).names
    verdict = verify_server(server, ca=ca, name=name)
    if verdict.code:
        said = f"{verdict.code}, {verdict.message.rstrip('.')}"
        # Without the names, which are the answer.
        fault = mark(
            "OpenSSL refuses the name: {said}. Look at the names in the certificate."
        )
        raise NotSolved(say(fault, said=said))
    # OpenSSL takes other spellings of an address, too.
    if name not in map(str.lower, names):
        fault = mark("{name} is not among the names in the certificate, as written.")
        raise NotSolved(say(fault, name=name))


@exercise
def be_refused_twice(pod: str, *, wrong_ca: str, wrong_host: str) -> None:
    """Demand that curl in `pod` refuses the server for the CA, and for the name.

    `wrong_ca` is a file of authorities in the pod; `wrong_host` another name for the
    genuine API server.
    """
    if not wrong_ca:
        raise NotSolved(say("wrong_ca is empty: name a file with authorities."))
    if not wrong_host:
        raise NotSolved(say("wrong_host is empty: name a host that is not listed."))
    if re.search("[/?#]", wrong_host):
        fault = mark("{host} is not a name alone: leave out https:// and the path.")
        raise NotSolved(say(fault, host=wrong_host))
    first = _ask(pod, "--cacert", wrong_ca, f"https://{SERVICE}/version")
    if first.exit_code == NO_AUTHORITIES:
        raise NotSolved(say("77: {ca} is no file of authorities.", ca=wrong_ca))
    if first.exit_code == 0:
        fault = mark("curl trusts the server: {ca} has a certificate of this cluster.")
        raise NotSolved(say(fault, ca=wrong_ca))
    if first.exit_code != REFUSED or first.stdout not in CHAIN:
        fault = mark("With {ca}, curl fails for another reason than the issuer: {line}")
        raise NotSolved(say(fault, ca=wrong_ca, line=_error(first)))
    genuine = ("--cacert", CA, "--connect-to", f"::{SERVICE}:443")
    second = _ask(pod, *genuine, f"https://{wrong_host}/version")
    if second.exit_code == 0:
        fault = mark("curl trusts the server: {host} is in its certificate.")
        raise NotSolved(say(fault, host=wrong_host))
    if second.exit_code != REFUSED or second.stdout in CHAIN:
        fault = mark("As {host}, curl fails for another reason than the name: {line}")
        raise NotSolved(say(fault, host=wrong_host, line=_error(second)))


def _ask(pod: str, *arguments: str) -> Completed:
    # Without globs: of several hosts, the last would decide.
    verdict = ("--globoff", "-o", "/dev/null", "-w", "%{ssl_verify_result}")
    line = ("curl", "-sS", "--max-time", "10", *verdict, *arguments)
    done = exec_in_pod(pod, *line)
    if done.exit_code == LATE:
        raise Undecided(say("a response of the API server"), _error(done))
    return done


def _error(done: Completed) -> str:
    return (done.stderr.strip().splitlines() or [str(done.exit_code)])[0]
