"""What Salesforce's refusal of a login means, and what to do about it.

A refusal is never sent again (accounts get locked). A few answers look like refusals but say "later"; they
are told apart here. Source of the texts: Salesforce's OAuth error codes, and the messages its endpoint sends.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Remedy:
    """If ``error`` equals (or ``""``) and ``text`` occurs in the description, ``advice`` helps."""

    error: str
    text: str
    advice: str


REMEDIES = (
    Remedy(
        "",
        "authentication failure",
        "check salesforce.username, salesforce.password and salesforce.password.token (a new token is "
        "mailed when the "
        "password changes), and that the org allows the username-password flow and this address",
    ),
    Remedy(
        "",
        "user hasn't approved this consumer",
        "in the app's OAuth policies set Permitted Users to 'Admin approved users are pre-authorized' and "
        "give the user "
        "a profile or permission set of the app",
    ),
    Remedy(
        "",
        "user is not admin approved",
        "give the user a profile or permission set that is assigned to the app in Salesforce",
    ),
    Remedy(
        "",
        "audience is invalid",
        "salesforce.instance must be https://login.salesforce.com for a production org and "
        "https://test.salesforce.com "
        "for a sandbox, or the org's own My Domain URL",
    ),
    Remedy(
        "",
        "expired authorization code",
        "the code or assertion was too old when it arrived: check this machine's clock, or obtain a new "
        "refresh token",
    ),
    Remedy(
        "",
        "expired access/refresh token",
        "the refresh token was revoked, replaced or has expired: obtain a new one and set "
        "oauth.refresh.token",
    ),
    Remedy(
        "",
        "invalid assertion",
        "the certificate uploaded to the app must be that of the keystore's key, salesforce.consumer.key "
        "that app's, "
        "salesforce.username exact, and this machine's clock right",
    ),
    Remedy("", "inactive user", "the user of salesforce.username is inactive: activate it or name another"),
    Remedy(
        "", "user is inactive", "the user of salesforce.username is inactive: activate it or name another"
    ),
    Remedy("", "inactive organization", "the org is locked, suspended or gone: ask Salesforce"),
    Remedy(
        "",
        "no client credentials user enabled",
        "in the app's policies enable the client credentials flow and choose a Run As user",
    ),
    Remedy(
        "",
        "request not supported on this domain",
        "set salesforce.instance to the org's My Domain URL, https://<name>.my.salesforce.com",
    ),
    Remedy(
        "",
        "client identifier invalid",
        "salesforce.consumer.key names no app of this org; a new app needs up to ten minutes to become known",
    ),
    Remedy(
        "",
        "invalid client credentials",
        "salesforce.consumer.secret does not belong to salesforce.consumer.key",
    ),
    Remedy(
        "", "ip restricted", "allow this machine's address for the user, or relax IP restrictions of the app"
    ),
    Remedy("", "locked", "the user is locked out: unlock it in Salesforce before trying again"),
    Remedy(
        "unsupported_grant_type", "", "enable the OAuth flow of salesforce.grant.type for the app and the org"
    ),
    Remedy("invalid_client_id", "", "salesforce.consumer.key names no app of this org"),
    Remedy("invalid_client", "", "check salesforce.consumer.key and salesforce.consumer.secret"),
    Remedy("inactive_user", "", "the user of salesforce.username is inactive: activate it or name another"),
    Remedy("inactive_org", "", "the org is locked, suspended or gone: ask Salesforce"),
    Remedy("invalid_app_access", "", "give the user a profile or permission set that is assigned to the app"),
    Remedy("app_not_found", "", "install the app in this org, or create it there"),
    Remedy("invalid_grant", "", "check the user, the app and the properties of salesforce.grant.type"),
)

# Error code or part of the description → seconds to wait at least; None leaves it to the usual back-off.
LATER: tuple[tuple[str, float | None], ...] = (
    ("login rate exceeded", 600.0),
    ("rate_limit_exceeded", 60.0),
    ("retry your request", None),
    ("server_error", None),
    ("temporarily_unavailable", None),
)


def advice(error: str, description: str) -> str:
    """What to do about a refusal, as the end of a sentence."""
    said = description.lower()
    for remedy in REMEDIES:
        if remedy.error in ("", error) and remedy.text in said:
            return remedy.advice
    return "check the properties of salesforce.grant.type and the app's settings in Salesforce"


def comes_back(error: str, description: str) -> tuple[bool, float | None]:
    """Whether this is no refusal but a request to come back, and after how many seconds at least."""
    said = f"{error} {description.lower()}"
    for text, seconds in LATER:
        if text in said:
            return True, seconds
    return False, None
