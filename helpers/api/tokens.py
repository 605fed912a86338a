"""Hold ServiceAccount tokens without showing them, and read their claims."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import jwt

from helpers import errors
from helpers.api.pods import exec_in_pod
from helpers.command import kubectl
from helpers.language import mark, say

if TYPE_CHECKING:
    from helpers.connection import Cluster

#: where every pod finds its files, unless `automountServiceAccountToken` is false
FILES = "/var/run/secrets/kubernetes.io/serviceaccount"
MOUNTED = f"{FILES}/token"

#: seconds that the kubelet requests; the API server extends exactly this number
#: (KEP-1205)
ASKED_BY_KUBELET = 3607

#: the part of its life after which the kubelet asks for the next token, and the latest
RENEWAL, LATEST_RENEWAL = 0.8, timedelta(hours=24)

_BINDINGS = ("pod", "secret", "node")


class Times(NamedTuple):
    """When a token was issued, is due to be renewed, and expires, in UTC.

    `renewal` and `expires` are None for a token without end.
    """

    issued: datetime
    renewal: datetime | None
    expires: datetime | None


@dataclass(frozen=True, repr=False)
class Token:
    """A ServiceAccount token that masks itself when it is shown.

    `text` is the token itself: pass it on, never print it. Anyone who has the text
    *is* the ServiceAccount.
    """

    text: str

    @cached_property
    def header(self) -> dict:
        """Return the first part, decoded: `alg` and `kid` say how it is signed."""
        return self._decode()["header"]

    def claims(self) -> dict:
        """Return the second part, decoded and *not* verified.

        Raise NotAToken. The same as splitting at the dots and base64url.
        """
        return self._decode()["payload"]

    @property
    def subject(self) -> str:
        """Return the owner: `system:serviceaccount:NAMESPACE:NAME`."""
        return self.claims().get("sub", "")

    @property
    def id(self) -> str:
        """Return the id of the token (`jti`), no secret: audit logs show it."""
        return self.claims().get("jti", "")

    @property
    def audiences(self) -> list[str]:
        """Return the audiences that the token is meant for."""
        audience = self.claims().get("aud", [])
        return [audience] if isinstance(audience, str) else list(audience)

    @property
    def lifetime(self) -> int | None:
        """Return the seconds from issue to expiry; None for a token without end."""
        claims = self.claims()
        return claims["exp"] - claims["iat"] if "exp" in claims else None

    @property
    def expires(self) -> datetime | None:
        """Return when the token expires, in UTC; None for a token without end."""
        seconds = self.claims().get("exp")
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def times(self) -> Times:
        """Return the times of issue, of the kubelet's renewal, and of expiry.

        The kubelet counts the lifetime that it requested: where the API server extends
        the tokens of pods to a year, that ends at `warnafter`, not at `exp`.
        """
        claims = self.claims()
        if "iat" not in claims:
            raise errors.NotAToken(str(jwt.MissingRequiredClaimError("iat")))
        issued = datetime.fromtimestamp(claims["iat"], UTC)
        end = claims.get("kubernetes.io", {}).get("warnafter") or claims.get("exp")
        if end is None:
            return Times(issued, None, None)
        life = timedelta(seconds=end - claims["iat"])
        renewal = issued + min(RENEWAL * life, LATEST_RENEWAL)
        return Times(issued, renewal, self.expires)

    @property
    def bound_to(self) -> str:
        """Return the object that the token is bound to, as `pod/NAME`; or nothing."""
        binding = self.claims().get("kubernetes.io", {})
        objects = [
            f"{kind}/{binding[kind]['name']}" for kind in _BINDINGS if kind in binding
        ]
        return objects[0] if objects else ""

    def lifetime_explained(self) -> str:
        """Say how long the token lives and why: as asked, or extended to a year."""
        warn = self.claims().get("kubernetes.io", {}).get("warnafter")
        if self.lifetime is None:
            return say("It has no `exp`: it lives until its Secret is deleted.")
        if warn:
            text = mark(
                "It lives {life} s although {asked} s were requested: this API server "
                "extends the tokens of pods, and counts their use as stale after "
                "`warnafter`."
            )
            requested = warn - self.claims()["iat"]
            return say(text, life=self.lifetime, asked=requested)
        if self.lifetime == ASKED_BY_KUBELET:
            text = mark(
                "It lives {life} s, as the kubelet requested: this API server does not "
                "extend tokens."
            )
            return say(text, life=self.lifetime)
        text = mark(
            "It lives {life} s: as long as was requested, or as this API server allows "
            "at most."
        )
        return say(text, life=self.lifetime)

    def __repr__(self) -> str:
        try:
            claims = self.claims()
        except errors.NotAToken:
            return say("<no JWT, {count} characters>", count=len(self.text))
        life = say("without end")
        if "exp" in claims:
            life = say("{seconds:.0f} s", seconds=self.lifetime)
        facts = [say("token of {subject}", subject=self.subject), life]
        facts += [say("bound to {it}", it=self.bound_to)] if self.bound_to else []
        return f"<{', '.join([*facts, f'id {self.id[:8]}'])}>"

    def _decode(self) -> dict:
        try:
            return jwt.decode_complete(self.text, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise errors.NotAToken(str(error)) from None


def create_token(
    account: str = "default",
    *,
    audience: str | Iterable[str] = (),
    duration: str = "",
    bound_to: str = "",
) -> Token:
    """Ask the API server for a token of a ServiceAccount; raise KubectlFailed.

    `duration` as kubectl writes it ("10m"), by default an hour; `audience` by default
    the API server; `bound_to` as `pod/NAME` or `secret/NAME`. The same as `kubectl
    create token`, a POST to `.../serviceaccounts/NAME/token`.
    """
    audiences = [audience] if isinstance(audience, str) else audience
    options = [f"--audience={name}" for name in audiences]
    options += [f"--duration={duration}"] if duration else []
    if bound_to:
        kind, _, name = bound_to.partition("/")
        options.append(f"--bound-object-kind={kind.capitalize()}")
        options.append(f"--bound-object-name={name}")
    return Token(kubectl("create", "token", account, *options).stdout.strip())


def read_token(pod: str, *, path: str = MOUNTED, container: str | None = None) -> Token:
    """Return the token in a file of a pod; raise NotAToken if there is none.

    The same as `kubectl exec POD -- cat PATH`, without showing it.
    """
    done = exec_in_pod(pod, "cat", path, container=container)
    if done.exit_code:
        raise errors.NotAToken(done.stderr.strip())
    return Token(done.stdout.strip())


def write_token(pod: str, token: Token, *, path: str, container: str) -> None:
    """Write a token to a file of a pod in one step, as the kubelet swaps its own.

    A reader never sees half of a token. The token goes through stdin, because every
    process on the machine could read an argument.
    """
    script = f"umask 077; cat > {path}.new && mv {path}.new {path}"
    done = exec_in_pod(pod, "sh", "-c", script, container=container, input=token.text)
    if done.exit_code:
        ended = say("the shell ended with exit code {code}", code=done.exit_code)
        raise errors.NotAToken(done.stderr.strip() or ended)


def tamper(token: Token, **claims: object) -> Token:
    """Return a copy with other claims under the old signature: a forgery."""
    header, _, signature = token.text.split(".")
    changed = json.dumps({**token.claims(), **claims}, separators=(",", ":")).encode()
    payload = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
    return Token(f"{header}.{payload}.{signature}")


def backdate(cluster: "Cluster", token: Token, *, expired_for: int) -> Token:
    """Return a copy that expired `expired_for` seconds ago, with a valid signature.

    The cluster's own key signs it; raise NoSigningKey if this machine has no such key.
    """
    key = cluster.signing_key()
    claims = token.claims()
    shift = int(datetime.now(UTC).timestamp()) - expired_for - claims["exp"]
    moved = {name: claims[name] + shift for name in ("iat", "nbf", "exp")}
    algorithm = token.header["alg"]
    headers = {"kid": token.header["kid"]}
    return Token(jwt.encode({**claims, **moved}, key, algorithm, headers))
