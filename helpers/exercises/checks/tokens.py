"""Check a token."""

from helpers.api.tokens import Token
from helpers.command import current_namespace
from helpers.course.exercise import exercise
from helpers.errors import NotAToken, NotSolved
from helpers.language import mark, say
from helpers.rbac.reviews import review_token

#: the token of the exercise
ACCOUNT, AUDIENCE, MINUTES, BOUND_TO = "reader", "vault", 15, "pod/client"


@exercise
def make_vault_token(token: Token | str | list[str]) -> None:
    """Demand a genuine token, also as text, with this owner and these properties."""
    try:
        # A `!` line returns a list.
        text = token.text if isinstance(token, Token) else "".join(token)
        token = Token(text.strip())
        token.claims()
    except (TypeError, NotAToken):
        fault = say("This is no token: take what `create_token` returns.")
        raise NotSolved(fault) from None
    if token.audiences != [AUDIENCE]:
        audiences = ", ".join(token.audiences) or say("no one")
        fault = mark(
            "The token is meant for {found}, not for {wanted} alone: see `audience`."
        )
        raise NotSolved(say(fault, found=audiences, wanted=AUDIENCE))
    if token.lifetime != MINUTES * 60:
        fault = mark(
            "The token lives for {lifetime} s, not {minutes} minutes: see `duration`."
        )
        raise NotSolved(say(fault, lifetime=token.lifetime, minutes=MINUTES))
    if not token.bound_to:
        fault = mark("The token is bound to nothing, not to {wanted}: see `bound_to`.")
        raise NotSolved(say(fault, wanted=BOUND_TO))
    if token.bound_to != BOUND_TO:
        fault = mark("The token is bound to {now}, not to {wanted}: see `bound_to`.")
        raise NotSolved(say(fault, now=token.bound_to, wanted=BOUND_TO))
    review = review_token(token, audience=AUDIENCE)
    if not review.authenticated:
        fault = mark("The API server refuses the token: {error}: make a new one.")
        raise NotSolved(say(fault, error=review.error))
    if review.user != f"system:serviceaccount:{current_namespace()}:{ACCOUNT}":
        fault = mark("The token is that of {user}, not of this namespace's {account}.")
        raise NotSolved(say(fault, user=review.user, account=ACCOUNT))
