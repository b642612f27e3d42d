"""What each OAuth 2.0 grant sends to ``/services/oauth2/token``: one function per grant and one table.

A grant is built once, which is when a configuration or a keystore that cannot work is refused; called, it
gives the form of one request. Sources: Salesforce's OAuth authorization flows; RFC 6749, RFC 7523.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bridge.errors import ConfigurationError, Fault
from bridge.salesforce.http_settings import INSTANCE, Origin

Form = dict[str, str]
Grant = Callable[[], Form]


class Built(NamedTuple):
    """A grant, what its user should know, and when what it signs with ends (seconds since the epoch)."""

    grant: Grant
    notices: tuple[str, ...] = ()
    expires: float | None = None


GRANT_TYPE = "salesforce.grant.type"
USERNAME = "salesforce.username"
PASSWORD = "salesforce.password"  # noqa: S105 - a property's name, like those below
SECURITY_TOKEN = "salesforce.password.token"  # noqa: S105
CONSUMER_KEY = "salesforce.consumer.key"
CONSUMER_SECRET = "salesforce.consumer.secret"  # noqa: S105
REFRESH_TOKEN = "oauth.refresh.token"  # noqa: S105

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Salesforce accepts three minutes; two leave room for a clock that is a minute fast.
ASSERTION_SECONDS = 120
LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


def build_grant(connector: Mapping[str, Any]) -> Built:
    """The connector's grant, and what its user should know. Raises ConfigurationError for missing properties
    or an unusable keystore."""
    name = str(connector.get(GRANT_TYPE) or "PASSWORD").upper()
    if name not in GRANTS:
        raise ConfigurationError([Fault(GRANT_TYPE, f"must be one of {', '.join(GRANTS)}", name)])
    return GRANTS[name](connector)


def _required(connector: Mapping[str, Any], *keys: str) -> list[str]:
    missing = [key for key in keys if not connector.get(key)]
    if missing:
        grant = connector.get(GRANT_TYPE) or "PASSWORD"
        raise ConfigurationError([Fault(key, f"is required with {GRANT_TYPE}={grant}") for key in missing])
    return [str(connector[key]) for key in keys]


def _password(connector: Mapping[str, Any]) -> Built:
    client, secret, user, password = _required(connector, CONSUMER_KEY, CONSUMER_SECRET, USERNAME, PASSWORD)
    # Salesforce wants the security token appended; orgs that trust our address have none.
    form = {
        "grant_type": "password",
        "client_id": client,
        "client_secret": secret,
        "username": user,
        "password": password + str(connector.get(SECURITY_TOKEN) or ""),
    }
    return Built(lambda: dict(form))


def _client_credentials(connector: Mapping[str, Any]) -> Built:
    client, secret = _required(connector, CONSUMER_KEY, CONSUMER_SECRET)
    if Origin.of(str(connector[INSTANCE])).host in LOGIN_HOSTS:
        message = (
            "must be the org's My Domain URL (https://<name>.my.salesforce.com) with "
            f"{GRANT_TYPE}=CLIENT_CREDENTIALS: Salesforce refuses this grant at login.salesforce.com"
        )
        raise ConfigurationError([Fault(INSTANCE, message, str(connector[INSTANCE]))])
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    return Built(lambda: dict(form))


def _refresh_token(connector: Mapping[str, Any]) -> Built:
    client, token = _required(connector, CONSUMER_KEY, REFRESH_TOKEN)
    form = {"grant_type": "refresh_token", "client_id": client, "refresh_token": token}
    # An app without a secret ("public client") is allowed to refresh without one.
    if secret := connector.get(CONSUMER_SECRET):
        form["client_secret"] = str(secret)
    return Built(lambda: dict(form))


def _jwt_bearer(connector: Mapping[str, Any]) -> Built:
    # here: loads cryptography, needed for JWT only
    from bridge.salesforce.keystore import load_keystore

    client, user = _required(connector, CONSUMER_KEY, USERNAME)
    key = load_keystore(connector)
    audience = audience_of(str(connector[INSTANCE]))

    def form() -> Form:
        import jwt

        key.check_validity()
        # Salesforce wants a number: simple-salesforce sends exp as text, which is why it is not used for
        # this.
        claims = {"iss": client, "sub": user, "aud": audience, "exp": int(time.time()) + ASSERTION_SECONDS}
        return {"grant_type": JWT_GRANT, "assertion": jwt.encode(claims, key.private_key, algorithm="RS256")}

    return Built(
        form,
        key.notices,
        None if key.certificate is None else key.certificate.not_valid_after_utc.timestamp(),
    )


def audience_of(instance: str) -> str:
    """The ``aud`` claim: the login host for the two login hosts, ``test`` for a sandbox's My Domain, else the
    origin.

    A sandbox's My Domain is ``<name>--<sandbox>.sandbox.my.salesforce.com``, formerly
    ``<name>--<sandbox>.my.salesforce.com`` (also with ``.csNN``).
    """
    host = (urlsplit(instance).hostname or "").lower()
    if host in LOGIN_HOSTS:
        return f"https://{host}"
    if host.endswith(".my.salesforce.com") and (".sandbox." in host or "--" in host.split(".")[0]):
        return "https://test.salesforce.com"
    return str(Origin.of(instance))


GRANTS: dict[str, Callable[[Mapping[str, Any]], Built]] = {
    "PASSWORD": _password,
    "JWT_BEARER": _jwt_bearer,
    "CLIENT_CREDENTIALS": _client_credentials,
    "OAUTH2_AUTH_CODE_BYOA": _refresh_token,
}
