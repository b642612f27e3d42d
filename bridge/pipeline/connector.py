"""One connector: its lifecycle. Starts attempts, restarts them after what may pass, ends with what may not.

States are Kafka Connect's: UNASSIGNED, RUNNING, PAUSED, FAILED, STOPPED, RESTARTING.
"""

from __future__ import annotations

import random
import threading

from bridge.config import Loaded
from bridge.errors import BridgeError, ConfigurationError, Fatal, Fenced, Retriable, Stage, without_frames
from bridge.errors.words import exception_words
from bridge.kafka.line import NotInTime
from bridge.log import for_connector
from bridge.metrics import Stats
from bridge.pipeline.attempt import Attempt, Goal
from bridge.retry import spread
from bridge.salesforce.presence import wait_for
from bridge.salesforce.token import Refused
from bridge.waits import RESTART, SHUTDOWN

FIRST_WAIT = 5.0  # seconds before the first restart; doubles up to LONGEST_WAIT
LONGEST_WAIT = RESTART.longest


class Connector:
    """Runs one connector in threads of its own. All methods may be called from any thread."""

    def __init__(self, loaded: Loaded, goal: Goal | None = None, stats: Stats | None = None) -> None:
        self.name = loaded.connector.name
        self.stats = stats or Stats(connector=self.name)
        self.error: BridgeError | None = None
        self.passing: BridgeError | None = None
        """Why it is RESTARTING, if it is."""
        self._came_back = False  # the attempt before began because Salesforce answered
        self._loaded = loaded
        self._log = for_connector(self.name)
        self._stopping = threading.Event()
        self._resumed = threading.Event()
        self._resumed.set()
        self._wake = threading.Event()  # set while paused or stopping: nobody waits to restart then
        self._pauses = 0
        self._turning = threading.Lock()
        self._ended = threading.Event()
        self._attempt = Attempt(loaded, goal or Goal(), self.stats)
        self._thread = threading.Thread(target=self._supervise, name=f"{self.name}-work", daemon=True)

    @property
    def state(self) -> str:
        """Kafka Connect's word for what the connector is doing."""
        return self.stats.state

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def pause(self) -> None:
        """Stop fetching, deliver and commit what is here, keep the position."""
        with self._turning:
            self._pauses += 1
            self._resumed.clear()
            self._wake.set()
        self._attempt.end()

    def resume(self) -> None:
        """Go on where it paused."""
        with self._turning:
            self._resumed.set()
            if not self._stopping.is_set():
                self._wake.clear()

    def stop(self) -> None:
        """Ask to drain, commit and end; ``join`` waits for it."""
        with self._turning:
            self._stopping.set()
            self._resumed.set()
            self._wake.set()
        self._attempt.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; False after ``timeout`` seconds."""
        return self._ended.wait(timeout)

    @property
    def shutdown_seconds(self) -> float:
        """How long after ``stop`` it may take."""
        return float(self._loaded.connector[SHUTDOWN.key]) / 1000

    def unfinished(self) -> str | None:
        """What was received and is not committed, in words."""
        count = self._attempt.uncommitted()
        if not count:
            return None
        last = self.stats.last_replay_id
        after = f"received after replay id {last}" if last >= 0 else "received since the start"
        return f"not committed: {count} events {after}; they come again at the next start"

    def _supervise(self) -> None:
        try:
            self._run_attempts()
            self.stats.state = "FAILED" if self.error else "STOPPED"
        finally:
            self._attempt.release()
            self._ended.set()

    def _run_attempts(self) -> None:
        wait, pauses = FIRST_WAIT, 0
        while not self._stopping.is_set():
            committed = self.stats.transactions
            try:
                self._attempt.run(lambda: self._stopping.is_set() or not self._resumed.is_set())
            except BridgeError as error:
                if self._stopping.is_set() and isinstance(error, Retriable):
                    self.error = self._cut_short(without_frames(error))
                    return
                if not self._may_restart(error):
                    self.error = without_frames(error)
                    return
                if self.stats.transactions > committed or isinstance(error, NotInTime):
                    wait, self._came_back = FIRST_WAIT, False
                self._wait_to_restart(error, wait)
                wait = min(wait * 2, LONGEST_WAIT)
            except Exception as error:  # a bug: say so with its traceback, and fail like anything fatal
                self._log.exception("unexpected error: this is a fault of the bridge")
                self.error = Fatal(f"unexpected {exception_words(error)}", stage=Stage.PRODUCE)
                return
            else:
                if self._pauses == pauses:
                    return
                pauses = self._pauses  # a pause may be over already, and has ended the attempt all the same
                self._stay_paused()

    def _cut_short(self, error: Retriable) -> BridgeError | None:
        """What a stop came across is a failure only where something is left undone."""
        left = self.unfinished()
        if left is None:
            self._log.info("%s", error.message)
            return None
        return Retriable(f"{error.message}; {left}", stage=error.stage, position=error.position)

    def _stay_paused(self) -> None:
        self.stats.state = "PAUSED"
        self._log.info("paused at replay id %s", self.stats.last_replay_id)
        self._resumed.wait()

    def _may_restart(self, error: BridgeError) -> bool:
        if self._stopping.is_set() or isinstance(error, Fenced | ConfigurationError):
            return False
        if isinstance(error, Retriable):
            return True
        return bool(self._loaded.connector["auto.restart.on.user.error"])

    def _wait_to_restart(self, error: BridgeError, wait: float) -> None:
        asked = error.retry_after if isinstance(error, Retriable) else None
        least = asked or 0.0
        if isinstance(error, Refused):
            least = max(least, self._attempt.login_again_in())
        # the jitter comes on top of what is asked for, so that those who failed together do not come back together
        seconds = max(spread(least), wait * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        self.passing = without_frames(error)
        self.stats.state = "RESTARTING"
        self.stats.restarts += 1
        self._log.warning(
            "%s; starts again from the committed position in %.0f s",
            error.message,
            seconds,
            extra={"stage": str(error.stage), "replay_id": error.position},
        )
        where = self._attempt.where_to_ask(error)
        if where is None:
            self._wake.wait(seconds)
        else:
            again = self._came_back
            self._came_back = wait_for(
                *where, self._wake, seconds, asked=min(asked or 0.0, seconds), again=again
            )
