"""Work that takes longer than an answer may: few at once, each bounded in time and in what it may hold.

A job runs in a thread of its own, which nobody waits for when the process ends. What it finds is kept as JSON for a few
minutes after its end.
"""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Final

import msgspec
from attrs import define, field

from bridge.api.guard import Visitor
from bridge.api.users import Role
from bridge.errors import BridgeError, ConfigurationError
from bridge.errors.words import unquoted
from bridge.log import for_connector, masked
from bridge.worker.refusals import Refused

AT_ONCE: Final = 4
_UNFINISHED: Final = 16
_KEPT: Final = 64
_KEPT_SECONDS: Final = 300.0
_ROOM: Final = 4 * 1024 * 1024  # bytes of JSON of one job
_ALL_ROOM: Final = 32 * 1024 * 1024
_GRACE: Final = 15.0  # seconds after its time until it is given up
OVER: Final = ("DONE", "FAILED", "CANCELLED")
_FULL: Final = "there is more than one job may hold; ask for less"


class Full(Exception):
    """The job holds all that it may; what it has is its result."""


@define(eq=False)
class Job:
    """One of them. ``role``: what it takes to see it; ``quotes``: whether others' words may stand in it."""

    id: str
    kind: str
    connector: str | None
    by: str
    role: Role
    seconds: float
    quotes: bool
    made_at: float = field(factory=time.time)
    state: str = "WAITING"
    doing: str = ""
    done: int = 0
    of: int | None = None
    items: list[bytes] = field(factory=list)
    notes: list[str] = field(factory=list)
    result: bytes | None = None
    error: str | None = None
    ended_at: float | None = None
    size: int = 0
    ended: threading.Event = field(factory=threading.Event)
    _until: float = float("inf")
    _stop: threading.Event = field(factory=threading.Event)
    _lock: threading.Lock = field(factory=threading.Lock)

    def stopped(self) -> bool:
        """Whether nobody wants it any more, or its time is over."""
        return self._stop.is_set() or time.monotonic() > self._until

    def say(self, doing: str) -> None:
        """What it is at, or waits for."""
        self.doing = masked(doing)

    def note(self, text: str) -> None:
        """What should be known beside the result."""
        self.notes.append(masked(text))

    def progress(self, done: int, of: int | None = None) -> None:
        """How far it is."""
        self.done, self.of = done, of

    def add(self, item: Mapping[str, object]) -> None:
        """One thing that was found. Raises Full."""
        raw = _json(item)
        with self._lock:
            if self.size + len(raw) > _ROOM:
                self.notes.append(_FULL)
                raise Full
            self.size += len(raw)
            self.items.append(raw)

    def cancel(self) -> None:
        """Nobody wants it any more; what it waits for ends in its own time."""
        self._stop.set()
        self._end("CANCELLED", None)

    def begin(self) -> bool:
        """Whether it is still wanted."""
        with self._lock:
            if self.state != "WAITING":
                return False
            self.state, self._until = "RUNNING", time.monotonic() + self.seconds
        return True

    def finish(self, result: Mapping[str, object] | None, error: str | None) -> None:
        """Its end, unless it has ended otherwise."""
        late = error is None and time.monotonic() > self._until
        if late:
            error = f"it took longer than {self.seconds:.0f} s"
        self.result = None if result is None else _json(result)
        self._end("DONE" if error is None else "FAILED", error)

    def look(self) -> None:
        """Give up one that does not end in time."""
        if self.state == "RUNNING" and time.monotonic() > self._until + _GRACE:
            self._stop.set()
            self._end(
                "FAILED",
                f"it took longer than {self.seconds:.0f} s, and waits for {self.doing or 'an answer'}",
            )

    def _end(self, state: str, error: str | None) -> None:
        with self._lock:
            if self.state in OVER:
                return
            self.state, self.error, self.ended_at = state, error, time.time()
        self.ended.set()

    def document(self, after: int = 0) -> dict[str, object]:
        """As JSON, with the items after so many."""
        self.look()
        with self._lock:
            items = self.items[after:]
            return {
                "id": self.id,
                "kind": self.kind,
                "connector": self.connector,
                "by": self.by,
                "state": self.state,
                "progress": {"doing": self.doing or None, "done": self.done, "of": self.of},
                "items": [msgspec.json.decode(one) for one in items],
                "next": after + len(items),
                "notes": list(self.notes),
                "result": None if self.result is None else msgspec.json.decode(self.result),
                "error": self.error,
                "made_at": int(self.made_at * 1000),
                "ended_at": None if self.ended_at is None else int(self.ended_at * 1000),
            }


Task = Callable[[Job], Mapping[str, object] | None]
"""Does the work; what it gives back is the job's result. Raises BridgeError, Refused, Full."""


def _json(document: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(document)


def prefix_of(worker_id: str) -> str:
    """What the ids of a worker's jobs begin with."""
    return base64.urlsafe_b64encode(worker_id.encode()).decode().rstrip("=")


@define(eq=False)
class Jobs:
    """Those of one process. ``prefix`` says whose they are."""

    prefix: str
    _jobs: dict[str, Job] = field(factory=dict)
    _turns: threading.Semaphore = field(factory=lambda: threading.Semaphore(AT_ONCE))
    _lock: threading.Lock = field(factory=threading.Lock)

    def submit(
        self,
        kind: str,
        connector: str | None,
        visitor: Visitor,
        role: Role,
        task: Task,
        *,
        seconds: float = 60.0,
        quotes: bool = True,
    ) -> Job:
        """A new job, which begins when it has its turn. Raises Refused (429)."""
        job = Job(
            f"{self.prefix}.{os.urandom(12).hex()}", kind, connector, visitor.name, role, seconds, quotes
        )
        with self._lock:
            self._tidy()
            if sum(one.state not in OVER for one in self._jobs.values()) >= _UNFINISHED:
                raise Refused(
                    429, "Too many jobs at once; ask again when one has ended", {"Retry-After": "5"}
                )
            self._jobs[job.id] = job
        threading.Thread(target=self._run, args=(job, task), name=f"job-{kind}", daemon=True).start()
        return job

    def get(self, job_id: str) -> Job | None:
        """The job of that id, for as long as it is kept."""
        with self._lock:
            self._tidy()
            return self._jobs.get(job_id)

    def every(self) -> list[Job]:
        """All that are kept, the newest first."""
        with self._lock:
            self._tidy()
            return list(reversed(self._jobs.values()))

    def stop(self) -> None:
        """Nobody wants any of them."""
        for job in self.every():
            job.cancel()

    def _run(self, job: Job, task: Task) -> None:
        with self._turns:
            if not job.begin():
                return
            result, error = None, None
            try:
                with nullcontext() if job.quotes else unquoted():
                    result = task(job)
            except Full:
                pass
            except ConfigurationError as wrong:
                error = "; ".join(f"{fault.key}: {fault.message}" for fault in wrong.faults)
            except (BridgeError, Refused) as refused:
                error = refused.message
            except Exception as unexpected:
                for_connector(job.connector or "").exception(
                    "unexpected error: this is a fault of the bridge"
                )
                error = f"an unexpected {type(unexpected).__name__}: see the worker's log"
            job.finish(result, None if error is None else masked(error))

    def _tidy(self) -> None:
        now = time.time()
        for job in self._jobs.values():
            job.look()
        over = [job for job in self._jobs.values() if job.ended_at is not None]
        room = sum(job.size for job in self._jobs.values())
        for job in over:
            assert job.ended_at is not None
            if now - job.ended_at > _KEPT_SECONDS or len(self._jobs) > _KEPT or room > _ALL_ROOM:
                room -= job.size
                del self._jobs[job.id]
