"""The login: one session shared by everything that talks to Salesforce, renewed once however many ask.

Connectors whose login settings are equal share it, too (``accounts``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from bridge.config.config import Config
from bridge.config.property import Values
from bridge.contents import UnusableError, file_content
from bridge.errors import ConfigurationError, Fatal, Stage
from bridge.log import register_secrets
from bridge.retry import patiently
from bridge.salesforce.accounts import Account, Refusal, account_of
from bridge.salesforce.grants import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    GRANT_TYPE,
    PASSWORD,
    REFRESH_TOKEN,
    SECURITY_TOKEN,
    USERNAME,
    Form,
    build_grant,
)
from bridge.salesforce.http_settings import INSTANCE, HttpSettings, Origin, http_settings
from bridge.salesforce.keyfile import FILE, PATH, read_keystore_bytes
from bridge.salesforce.token import Refused, Session, request_token
from bridge.waits import LOGIN, REFUSED_LOGIN

__all__ = ["Login", "Session"]

RETRIES = LOGIN.key
AGAIN = "auto.restart.on.user.error"
_NEVER = "it is not tried again, because repeated refusals lock an account"
_HOURLY = f"it is tried again in an hour at the earliest ({AGAIN}), because repeated refusals lock an account"
SECRETS = (PASSWORD, SECURITY_TOKEN, CONSUMER_SECRET, REFRESH_TOKEN, "salesforce.jwt.keystore.password")

log = logging.getLogger(__name__)


class Login:
    """Thread-safe. ``notices`` are what the user should know of the keystore, ``expires`` is when its certificate ends
    (seconds since the epoch); ``logins`` counts those that were made for this one. Keep one for the life of a
    connector: it remembers a refusal and never sends it again, or with ``auto.restart.on.user.error`` once an hour.
    One that ``looks`` belongs to no run that somebody began: it does not send what was refused when it was last sent.

    Raises ConfigurationError when built from a configuration or a keystore that cannot work.
    """

    def __init__(self, connector: Values, *, looks: bool = False) -> None:
        self.http = http_settings(connector)
        self.logins = 0
        self.instance = str(Origin.of(str(connector[INSTANCE])))
        self._grant, self.notices, self.expires = build_grant(connector)
        self._seconds = connector[RETRIES] / 1000
        self._secrets = tuple(str(connector[key]) for key in SECRETS if connector.get(key))
        register_secrets(self._secrets)
        for notice in self.notices:
            log.info("%s", notice)
        self._name = connector.name if isinstance(connector, Config) else str(connector.get("name") or "")
        self.account: Account = account_of(_settings(connector, self.http))
        self._known: Refusal | None = None
        self._refusal = ""
        self._again = bool(connector.get(AGAIN))
        self._looks = looks
        self._closed = threading.Event()

    def session(self) -> Session:
        """The current session; logs in if there is none.

        Raises Fatal when the login is refused, now or earlier, or cannot be tried; Retriable when Salesforce
        could not be reached, or gave no usable answer, for ``salesforce.auth.retries.time.ms``.
        """
        return self.account.session or self._token(None)

    def address(self, *, at_login: bool = False) -> str:
        """Where the org is, as the last login said; before one, and ``at_login``, where logins go."""
        current = self.account.session
        return self.instance if at_login or current is None else current.instance_url

    def renew(self, stale: Session) -> Session:
        """A session other than ``stale``: what somebody else got meanwhile, or a new one. Raises alike; Fatal where it
        is one of another org, whose replay ids mean something else."""
        session = self._token(stale)
        if session.org_id != stale.org_id:
            raise Fatal(
                f"the login is to org {session.org_id} now, and was to org {stale.org_id} before; was the sandbox "
                "refreshed? 'sfbridge offsets reset' makes the connector start as a new one would",
                stage=Stage.LOGIN,
            )
        return session

    def again_in(self) -> float:
        """Seconds until a login that was refused may be sent again; without end unless the configuration lets it."""
        if self._known is None:
            return 0.0
        if not self._again:
            return float("inf")
        return max(0.0, self._known.at + REFUSED_LOGIN.longest - time.monotonic())

    def close(self) -> None:
        """End the waiting between two attempts, so that a stopping connector does not sit it out."""
        self._closed.set()

    def _token(self, stale: Session | None) -> Session:
        if self._known is not None and self.again_in() > 0:
            raise Refused(self._refusal, stage=Stage.LOGIN)
        try:
            session, made = self.account.token(
                self._log_in,
                stale=stale,
                who=self._name,
                knows=self._known,
                closed=self._closed,
                looks=self._looks,
            )
        except Refused as error:
            self._known = self.account.refusal or Refusal(error.message, time.monotonic())
            self._refusal = f"{error.message}; {_HOURLY if self._again else _NEVER}"
            raise Refused(self._refusal, stage=Stage.LOGIN) from None
        self._known = None
        self.logins += made
        return session

    def _log_in(self) -> Session:
        session = patiently(self._attempt, seconds=self._seconds, limit=RETRIES, pause=self._closed.wait)
        log.info(
            "logged in to org %s at %s as user %s", session.org_id, session.instance_url, session.user_id
        )
        return session

    def _attempt(self) -> Session:
        form = self._form()
        session, renewed = request_token(
            self.instance, form, self.http, self.http.connect_timeout, self._secrets, self._closed.is_set
        )
        if renewed is not None and renewed != form.get("refresh_token") and "refresh_token" in form:
            self.account.refresh_token = renewed
            log.warning(
                "Salesforce replaced the refresh token; it is kept for this run only, so %s will be refused "
                "at the "
                "next start: switch refresh token rotation off for the app",
                REFRESH_TOKEN,
            )
        return session

    def _form(self) -> Form:
        form = self._grant()
        if self.account.refresh_token is not None:
            form["refresh_token"] = self.account.refresh_token
        return form


def _settings(connector: Values, http: HttpSettings) -> Iterator[object]:
    """All on which a login depends: files by what is in them."""
    for key in (INSTANCE, GRANT_TYPE, USERNAME, CONSUMER_KEY, RETRIES, *SECRETS):
        yield key, connector.get(key)
    if connector.get(FILE) or connector.get(PATH):
        try:
            yield read_keystore_bytes(connector)[1]
        except ConfigurationError:  # of a grant that needs none
            yield connector.get(FILE), connector.get(PATH)
    try:
        yield http.ca_file and file_content(http.ca_file)
    except UnusableError:  # said by whoever connects
        yield http.ca_file
    yield http, http.proxy_auth  # the latter is not in the repr of the former
