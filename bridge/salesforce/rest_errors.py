"""What an unsuccessful answer of the REST API means: come back later, or change something.

Salesforce answers ``[{"message", "errorCode", "fields"}]``; gateways before it answer web pages.
"""

from __future__ import annotations

from typing import Any

from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.errors.words import words

# 403, though the request was fine: the org's requests of the last 24 hours are used up.
REQUEST_LIMIT = "REQUEST_LIMIT_EXCEEDED"
REQUEST_LIMIT_WAIT = 900.0
LATER = {
    "SERVER_UNAVAILABLE",
    "REQUEST_RUNNING_TOO_LONG",
    "QUERY_TIMEOUT",
    "UNABLE_TO_LOCK_ROW",
    "UNKNOWN_EXCEPTION",
}

HINTS = {
    "API_DISABLED_FOR_ORG": "the org's edition or the user's profile must have API access",
    "API_CURRENTLY_DISABLED": "give the user the permission API Enabled",
    "INSUFFICIENT_ACCESS": "the user lacks a permission for it",
    "INVALID_TYPE": "the user may not read that object, or it does not exist in this API version",
    "INVALID_FIELD": "the user may not read that field, or it does not exist in this API version",
}


class NotFound(Fatal):
    """404: what it means depends on what was asked for."""


class Moved(Fatal):
    """A redirect, which is never followed: it would carry the token along."""


class StaleSession(Fatal):
    """401: the token is not accepted; a new one may be. Salesforce says INVALID_SESSION_ID or
    INVALID_AUTH_HEADER."""


def answer_error(what: str, status: int, content: Any, retry_after: float | None = None) -> BridgeError:
    """Our error for status and (parsed) body of an answer to ``what``, such as ``describe of Order__e``."""
    code, message = _said(content)
    told = f"{what}: Salesforce answers {code or f'with status {status}'}" + (
        f" ({message})" if message else ""
    )
    if code == REQUEST_LIMIT:
        return Retriable(
            f"{told}; the org's API requests of the last 24 hours are used up",
            stage=Stage.METADATA,
            retry_after=retry_after or REQUEST_LIMIT_WAIT,
        )
    if status >= 500 or status in (408, 429) or code in LATER:
        return Retriable(told, stage=Stage.METADATA, retry_after=retry_after)
    if 300 <= status < 400:
        return Moved(
            f"{what}: Salesforce redirects elsewhere (status {status}), where the token is not sent; set "
            "salesforce.instance to the org's present address",
            stage=Stage.METADATA,
        )
    if status == 401:
        return StaleSession(
            f"{told}, though the session is new; may the user use the API, and from this address?",
            stage=Stage.METADATA,
        )
    if status == 404:
        return NotFound(told, stage=Stage.METADATA)
    hint = next((text for prefix, text in HINTS.items() if code.startswith(prefix)), "")
    return Fatal(f"{told}; {hint}" if hint else told, stage=Stage.METADATA)


def _said(content: Any) -> tuple[str, str]:
    """Error code and message, whatever was sent."""
    first = content[0] if isinstance(content, list) and content else content
    if isinstance(first, dict):
        code = first.get("errorCode") or first.get("error") or ""
        message = first.get("message") or first.get("error_description") or ""
        return words(code), words(message)
    if isinstance(first, str) and "<" in first:
        return "", "a web page"
    return "", ""
