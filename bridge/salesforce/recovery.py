"""What comes after the end of a session: wait, renew the token, start over, or give up.

======================  =======================================  ===============================
what ended the session  what comes next                          until
======================  =======================================  ===============================
token refused           a new token, a new session               three times without progress
session gone, advice    a new session                            ``request.max.retries.time.ms``
reply lost or garbled   a new session                            ``request.max.retries.time.ms``
server busy             a new session after a growing wait       ``request.max.retries.time.ms``
quota used up           a new session after 1 to 15 minutes      stopped
replay id expired       as ``invalid.replay.id.behaviour`` says
anything else           Fatal
======================  =======================================  ===============================
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Any

from attrs import define, field

from bridge.errors import Fatal, Retriable, Stage
from bridge.metrics import Stats
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.backoff import Outage, long_wait
from bridge.salesforce.cursor import Cursor
from bridge.salesforce.failures import Failure, SessionOver, Verdict
from bridge.waits import OUTAGE

MAX_REFUSALS = 3
RETRIES = OUTAGE.key


@define(eq=False)
class Recovery:
    """Belongs to the receiver's thread; every wait ends when ``stop`` is set."""

    channel: str
    outage: Outage
    when_expired: str
    first_long_wait: float
    login: Login
    cursor: Cursor
    stats: Stats
    log: Any
    on_gap: Callable[[int], None]
    stop: Event = field(factory=Event)
    subscribed_at: float | None = None
    _refusals: int = 0
    _long_waits: int = 0

    def progress(self) -> None:
        """It works: events came, or a poll was held and answered."""
        self.outage.progress()
        self._refusals = self._long_waits = 0

    def after(self, over: SessionOver, session: Session) -> None:
        """Returns when the next session may begin; raises Fatal, or Retriable when it is given up."""
        failure = over.failure
        self.stats.receive_errors += 1
        match failure.verdict:
            case Verdict.FATAL:
                raise Fatal(
                    f"Salesforce refuses {self.channel}: {failure.text}; {failure.remedy}",
                    stage=Stage.SUBSCRIBE,
                    position=self.cursor.after,
                )
            case Verdict.EXPIRED:
                self._start_over(failure)
            case Verdict.LIMIT:
                self._wait_long(failure)
            case Verdict.RENEW:
                self._renew(failure, session)
            case _:
                self._retry(failure.text, at_least=over.wait, at_once=failure.verdict is Verdict.HANDSHAKE)

    def after_loss(self, lost: Retriable) -> None:
        """The same after a network failure or a reply that cannot be read."""
        self.stats.receive_errors += 1
        self._retry(lost.message, lost.stage, at_least=lost.retry_after)

    def _retry(
        self,
        why: str,
        stage: Stage = Stage.RECEIVE,
        *,
        at_least: float | None = None,
        at_once: bool = False,
    ) -> None:
        outage = self.outage
        outage.failed(0.0 if self.subscribed_at is None else time.monotonic() - self.subscribed_at)
        delay = outage.delay(at_least or 0.0)
        if delay is None:
            raise Retriable(
                f"{why} (tried for {outage.elapsed():.0f} s, {RETRIES})",
                stage=stage,
                position=self.cursor.after,
                retry_after=at_least,
            )
        if at_once and outage.failures == 1:
            delay = at_least or 0.0
        self.log.log(
            logging.WARNING if outage.failures == 1 else logging.DEBUG,  # an outage is one line
            "%s; trying again in %.1f s, for %.0f s more",
            why,
            delay,
            outage.left(),
            extra={"stage": str(stage), "replay_id": self.cursor.after},
        )
        self.stop.wait(delay)

    def _renew(self, failure: Failure, session: Session) -> None:
        self._refusals += 1
        if self._refusals > MAX_REFUSALS:
            raise Retriable(
                f"Salesforce refuses the connector's token and {MAX_REFUSALS} new ones, too: {failure.text}; "
                "check that its user may use the API from this address",
                stage=Stage.LOGIN,
                position=self.cursor.after,
            )
        self._retry(f"the token is not accepted ({failure.text})", Stage.LOGIN, at_once=True)
        if not self.stop.is_set():
            self.login.renew(session)

    def _wait_long(self, failure: Failure) -> None:
        self._long_waits += 1
        seconds = long_wait(self._long_waits, self.first_long_wait)
        self.log.warning(
            "%s; waiting for %.0f s before the next attempt",
            failure.text,
            seconds,
            extra={"stage": str(Stage.SUBSCRIBE), "replay_id": self.cursor.after},
        )
        self.stop.wait(seconds)

    def _start_over(self, failure: Failure) -> None:
        """The position is unknown to Salesforce: ``invalid.replay.id.behaviour``."""
        if self.cursor.stand_on_newest():
            self.log.info(
                "Salesforce has let go of the event before replay id %s: subscribing after that id itself",
                self.cursor.after,
                extra={"stage": str(Stage.SUBSCRIBE), "replay_id": self.cursor.after},
            )
            return
        if (given_up := self.cursor.stand_on_event()) is not None:
            self.log.info(
                "Salesforce does not know replay id %s, the position of an idle stream: subscribing after %s, the id "
                "of the last event",
                given_up,
                self.cursor.after,
                extra={"stage": str(Stage.SUBSCRIBE), "replay_id": self.cursor.after},
            )
            return
        position, choice = self.cursor.after, self.when_expired
        if position is None or choice == "fail":
            raise Fatal(
                f"the position has expired at Salesforce: {failure.text}; invalid.replay.id.behaviour=all goes "
                "on with all retained events, latest with new ones; or set another position",
                stage=Stage.SUBSCRIBE,
                position=position,
            )
        self.log.warning(
            "replay id %s has expired at Salesforce, what came after it and is no longer retained is lost; going "
            "on with %s (invalid.replay.id.behaviour=%s)",
            position,
            "new events" if choice == "latest" else "all retained events",
            choice,
            extra={"stage": str(Stage.SUBSCRIBE), "replay_id": position},
        )
        self.cursor.expired(start_at=choice)
        self.on_gap(position)
