"""One login for all connectors of a process whose login settings are equal, secrets, CA and proxy included.

Salesforce allows a user some thousands of logins an hour, and locks who is refused again and again. So the token,
its renewal, a refusal and a request to come later belong to the *account*; cookies and sessions of the event
stream stay each connector's own.

Of those who need a token at the same time one asks, and the others get what it got. A refusal holds for a minute for
connectors that were not told of it yet; one that was told of it and begins again, because somebody started it, asks.
Who only *looks*, beside a run, never sends a login again that was refused when it was last sent.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Final

from attrs import define, field, frozen

from bridge.errors import ConfigurationError, Fatal, Retriable, Stage
from bridge.log import forget_secret, hold_secret
from bridge.salesforce.token import Refused, Session

REFUSAL_HOLDS: Final = 60.0
"""Seconds for which a refusal is handed to those who were not told of it."""
_REMEMBERED: Final = 86_400.0
"""Seconds for which a refusal is known to those who look, whoever else has gone."""
_MOST_KEPT: Final = 1000
_LOOK: Final = 0.25  # seconds after which whoever waits for another's login looks whether it is still wanted
_KEY: Final = os.urandom(32)  # digests of secrets mean nothing outside of this process


@frozen
class Refusal:
    """What Salesforce said no with, and when (monotonic)."""

    message: str
    at: float


@frozen
class _Later:
    """A login that cannot be made before a moment (monotonic)."""

    error: Retriable
    until: float


@define(eq=False)
class _Flight:
    """A login that is under way. ``outcome`` stays None where it says nothing to others."""

    done: threading.Event = field(factory=threading.Event)
    outcome: Session | Fatal | Retriable | None = None


@define(eq=False)
class Account:
    """What is shared. ``key``: a digest of the settings; ``refresh_token``: the one that Salesforce put in place of
    the configured one."""

    key: bytes = b""
    session: Session | None = None
    refusal: Refusal | None = None
    refresh_token: str | None = None
    _told: set[str] = field(factory=set)
    _later: _Later | None = None
    _flight: _Flight | None = None
    _lock: threading.Lock = field(factory=threading.Lock)

    def token(
        self,
        ask: Callable[[], Session],
        *,
        stale: Session | None,
        who: str,
        knows: Refusal | None,
        closed: threading.Event,
        looks: bool = False,
    ) -> tuple[Session, bool]:
        """A session other than ``stale``, and whether ``ask`` was called for it.

        ``who``: the connector; ``knows``: the refusal after which it waited long enough; ``looks``: it begins nothing,
        so that whoever begins has not been told of a refusal yet. Raises what ``ask`` raised, now or for another
        connector; Retriable where it is ``closed`` meanwhile.
        """
        while True:
            with self._lock:
                if stale is not None and self.session is stale:
                    self.session = None
                if self.session is not None:
                    return self.session, False
                self._check(who, knows, looks)
                flight, leads = self._flight, self._flight is None
                if flight is None:
                    flight = self._flight = _Flight()
            if leads:
                return self._lead(flight, ask, set() if looks else {who}, closed), True
            while not flight.done.wait(_LOOK):
                if closed.is_set():
                    raise Retriable("the login was given up, because the connector stops", stage=Stage.LOGIN)
            if isinstance(flight.outcome, Session):
                return flight.outcome, False
            if isinstance(flight.outcome, Refused) and not looks:
                self._told.add(who)
            if flight.outcome is not None:
                raise _same(flight.outcome)

    def _check(self, who: str, knows: Refusal | None, looks: bool) -> None:
        """Raise what is known already. Under the lock."""
        if self._later is not None and (left := self._later.until - time.monotonic()) > 0:
            raise Retriable(self._later.error.message, stage=Stage.LOGIN, retry_after=left)
        refusal = self.refusal
        if refusal is not None and looks:
            raise Refused(refusal.message, stage=Stage.LOGIN)
        if refusal is None or refusal is knows or who in self._told:
            return
        if time.monotonic() - refusal.at < REFUSAL_HOLDS:
            self._told.add(who)
            raise Refused(refusal.message, stage=Stage.LOGIN)

    def _lead(
        self, flight: _Flight, ask: Callable[[], Session], told: set[str], closed: threading.Event
    ) -> Session:
        try:
            session = ask()
        except Fatal as error:
            flight.outcome = error
            if isinstance(error, Refused):
                self.refusal, self._told = Refusal(error.message, time.monotonic()), told
                _keep(self, _REMEMBERED)
            raise
        except Retriable as error:
            if not closed.is_set():  # else it says nothing of the login, and another one asks
                flight.outcome = error
                if error.retry_after:
                    self._later = _Later(error, time.monotonic() + error.retry_after)
                    _keep(self, error.retry_after)
            raise
        else:
            mask_while_held(session)
            self.session, self.refusal, self._later, self._told = session, None, None, set()
            _drop(self)
            flight.outcome = session
            return session
        finally:
            with self._lock:
                self._flight = None
            flight.done.set()


def _same(error: Fatal | Retriable) -> Fatal | Retriable:
    """The error for one more thread: each has a trace of its own."""
    match error:
        case Retriable():
            return Retriable(error.message, stage=error.stage, retry_after=error.retry_after)
        case ConfigurationError():
            return ConfigurationError(error.faults)
        case _:
            return type(error)(error.message, stage=error.stage)


def mask_while_held(session: Session) -> None:
    """Mask the token in all that is logged, for as long as anybody has the session."""
    hold_secret(session.access_token)
    weakref.finalize(session, forget_secret, session.access_token).atexit = False


_accounts: weakref.WeakValueDictionary[bytes, Account] = weakref.WeakValueDictionary()
_kept: dict[int, tuple[float, Account]] = {}
_guard: Final = threading.Lock()


def account_of(settings: Iterable[object]) -> Account:
    """The account of everybody with these settings. It ends with the last who holds it."""
    digest = hashlib.blake2b(repr(tuple(settings)).encode("utf-8", "surrogatepass"), key=_KEY).digest()
    with _guard:
        now = time.monotonic()
        for identity in [identity for identity, (until, _) in _kept.items() if until <= now]:
            del _kept[identity]
        account = _accounts.get(digest)
        if account is None:
            account = _accounts[digest] = Account(digest)
        return account


def _keep(account: Account, seconds: float) -> None:
    """What it says must be known to those who come after the one who was told has gone."""
    with _guard:
        until = time.monotonic() + seconds
        before = _kept.pop(id(account), (until, account))[0]
        _kept[id(account)] = (max(until, before), account)
        while len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]


def _drop(account: Account) -> None:
    """Whoever comes after the last who holds it has nothing to learn from it: a login works."""
    with _guard:
        _kept.pop(id(account), None)
