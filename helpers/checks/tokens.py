"""Check a token."""

from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say
from helpers.reviews import review_token
from helpers.tokens import Token

#: the token of the exercise
AUDIENCE, MINUTES, BOUND_TO = "vault", 15, "pod/client"


@exercise
def make_vault_token(token: Token) -> None:
    """Demand a genuine token with this audience, life and binding."""
    if not isinstance(token, Token):
        raise NotSolved(say("This is no token: take what `create_token` returns."))
    if token.audiences != [AUDIENCE]:
        found = ", ".join(token.audiences)
        fault = mark(
            "The token is meant for {found}, not for {wanted} alone: see `audience`."
        )
        raise NotSolved(say(fault, found=found, wanted=AUDIENCE))
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
