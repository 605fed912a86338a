"""Check that a client of the Python library sends the current token of a file."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.api.tokens import create_token
from helpers.course.exercise import exercise
from helpers.errors import LabError, NotSolved
from helpers.language import mark, say

# Only for annotations: the library loads slowly.
if TYPE_CHECKING:
    from kubernetes.client import ApiClient

#: the account whose tokens the file of the exercise holds
ACCOUNT = "client"
#: the key under which a review names the token, as JTI=ID
CREDENTIAL = "authentication.kubernetes.io/credential-id"


@exercise
def read_token_again(api_client: "ApiClient", file: Path) -> None:
    """Demand a client that sends the new token after the file was replaced, twice."""
    from kubernetes import client
    from urllib3.exceptions import HTTPError

    # A stranger to the certificate would get the token.
    settings = api_client.configuration
    if not settings.verify_ssl or settings.assert_hostname is False:
        raise NotSolved(
            say(
                "The client does not check the server's certificate: build `keeps` "
                "as the lesson does, with the CA."
            )
        )
    for _ in range(2):
        token = create_token(ACCOUNT)
        file.write_text(token.text)
        reviews: Any = client.AuthenticationV1Api(api_client)
        try:
            user = reviews.create_self_subject_review(body={}).status.user_info
        except (HTTPError, LabError):
            raise
        except client.ApiException as error:
            _refuse_other_words(api_client)
            fault = mark(
                "The API server returns {status}: the client does not send the token "
                "that is in the file, so look at what `read_again` puts into the "
                "configuration."
            )
            raise NotSolved(say(fault, status=error.status)) from None
        except Exception as error:
            # Its own text shows the token.
            raise NotSolved(_fault_of_header(api_client, error)) from None
        if user.extra.get(CREDENTIAL) != [f"JTI={token.id}"]:
            fault = say(
                "The client sends another token than the one in the file: does "
                "`read_again` read the file each time it is called?"
            )
            raise NotSolved(fault)


def _fault_of_header(api_client: "ApiClient", error: Exception) -> str:
    header = _header(api_client)
    if re.search(r"[\r\n]", header):
        return say("The header has a line break: look at what `read_again` adds.")
    if found := re.search(r"[^\x20-\x7e]", header):
        fault = mark("The header has the character {letter}, which is not ASCII.")
        return say(fault, letter=ascii(found[0]))
    fault = mark("`read_again` raises {error}.")
    return say(fault, error=type(error).__name__)


def _header(api_client: "ApiClient") -> str:
    keys = api_client.configuration.api_key
    return str(keys.get("BearerToken") or keys.get("authorization") or "")


def _refuse_other_words(api_client: "ApiClient") -> None:
    header = _header(api_client)
    if not header:
        fault = say(
            'The client sends no token: `api_key` has no entry "BearerToken", and '
            "without one `read_again` is not called."
        )
        raise NotSolved(fault)
    if not header.lower().startswith("bearer "):
        fault = say(
            'The header does not begin with the word "Bearer" and a space: look at '
            'what `read_again` puts into `api_key["BearerToken"]`.'
        )
        raise NotSolved(fault)
