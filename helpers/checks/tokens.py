"""Check that a token is the one that was asked for."""

from helpers import errors
from helpers.exercise import exercise
from helpers.reviews import review_token
from helpers.tokens import Token

#: the token of the exercise
AUDIENCE, MINUTES, BOUND_TO = "vault", 15, "pod/client"


@exercise
def make_vault_token(token: Token) -> None:
    """Refuse a token with another audience, life or binding, and a forgery."""
    if not isinstance(token, Token):
        raise errors.NotSolved("This is no token: take what `create_token` returns.")
    if token.audiences != [AUDIENCE]:
        found = ", ".join(token.audiences)
        raise errors.NotSolved(
            f"The token is meant for {found}, not for {AUDIENCE} alone: see `audience`."
        )
    if token.lifetime != MINUTES * 60:
        raise errors.NotSolved(
            f"The token lives for {token.lifetime} s, not {MINUTES} minutes: see "
            "`duration`."
        )
    if token.bound_to != BOUND_TO:
        found = token.bound_to or "nothing"
        raise errors.NotSolved(
            f"The token is bound to {found}, not to {BOUND_TO}: see `bound_to`."
        )
    review = review_token(token, audience=AUDIENCE)
    if not review.authenticated:
        raise errors.NotSolved(
            f"The API server refuses the token: {review.error}: make a new one."
        )
