"""The other workers of the group, asked with the credentials of whoever asks here."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec
from attrs import define, evolve, field

from bridge.api.exchange import Answer, Ask
from bridge.api.guard import SESSION
from bridge.api.sessions import PROOF_HEADER
from bridge.waits import LEADER, PEER

_HERE_ONLY: Final = ("cookie", PROOF_HEADER, "if-none-match", "accept-encoding")
"""Headers that are for the worker which was asked, not for one that it asks."""
_AT_ONCE: Final = 16


class Forward(Protocol):
    """Sends a request to another worker by its id; its answer; None if it cannot."""

    def __call__(
        self, worker: str, method: str, target: str, headers: Mapping[str, str], body: bytes,
        seconds: float = LEADER.longest,
    ) -> Answer | None: ...  # fmt: skip


def nowhere(
    worker: str, method: str, target: str, headers: Mapping[str, str], body: bytes,
    seconds: float = LEADER.longest,
) -> Answer | None:  # fmt: skip
    """A :class:`Forward` where there is no other worker."""
    return None


def headers_for(ask: Ask) -> dict[str, str]:
    """What a request carries to another worker, where a session's cookie has another name."""
    headers = {name: text for name, text in ask.headers.items() if name not in _HERE_ONLY}
    if ask.visitor.session is not None:
        headers["authorization"] = f"{SESSION} {ask.visitor.session.token}"
    return headers


def seen_from(base: str, answer: Answer) -> Answer:
    """Another worker's answer as of ``base``, the address that the client asked: it may not reach that worker's own."""
    location = answer.headers.get("Location", "")
    parts = urlsplit(location)
    if not parts.netloc:
        return answer
    path = location.removeprefix(f"{parts.scheme}://{parts.netloc}")
    return evolve(answer, headers={**answer.headers, "Location": base + path})


@define(eq=False)
class Peers:
    """``living``: the ids of all workers, this one included."""

    worker_id: str
    living: Callable[[], Collection[str]]
    forward: Forward = nowhere
    _pool: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(_AT_ONCE, "peers"))

    def others(self) -> list[str]:
        """All but this one."""
        return sorted(set(self.living()) - {self.worker_id})

    def all(self, path: str, ask: Ask, workers: Collection[str]) -> dict[str, object]:
        """What each of them answers to a GET, as JSON; those that do not in time are left out."""
        until = time.monotonic() + PEER.longest
        asked = {self._pool.submit(self._one, worker, path, ask): worker for worker in workers}
        done, late = wait(asked, max(0.0, until - time.monotonic()))
        for future in late:
            future.cancel()
        answers = {asked[future]: future.result() for future in done}
        return {worker: answer for worker, answer in answers.items() if answer is not None}

    def _one(self, worker: str, path: str, ask: Ask) -> object | None:
        get = evolve(ask, method="GET", body=b"")
        answer = self.forward(worker, "GET", path, headers_for(get), b"", PEER.longest)
        if answer is None or answer.status != 200:
            return None
        try:
            document: object = msgspec.json.decode(answer.content())
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return document
