"""Check a token: for whom, for how long, bound to what."""

from helpers.reviews import review_token
from helpers.tokens import Token


def token_is(token: Token, *, audience: str, lifetime: int, bound_to: str) -> str:
    """Diagnose why a token is not the one that was asked for.

    `lifetime` in seconds, `bound_to` as `pod/NAME`. The API server has to believe it.
    """
    if token.audiences != [audience]:
        return (
            f"It is meant for {', '.join(token.audiences)}, not for {audience} alone."
        )
    if token.lifetime != lifetime:
        return f"It lives {token.lifetime} s, not {lifetime} s."
    if token.bound_to != bound_to:
        return f"It is bound to {token.bound_to or 'nothing'}, not to {bound_to}."
    review = review_token(token, audience=audience)
    return "" if review.authenticated else f"The server refuses it: {review.error}"
