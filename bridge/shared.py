"""Answers that several in a process need: asked for once by whoever comes first, for all who wait and who come soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from attrs import define, field, frozen

from bridge.errors import BridgeError, Retriable, Stage

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_LOOK: Final = 0.25  # seconds after which whoever waits looks whether it is still wanted


@frozen
class Answer(Generic[V]):
    """``asked``: when (monotonic)."""

    asked: float
    value: V


@define(eq=False)
class _Question(Generic[V]):
    """One that is under way. Without an answer and a failure it says nothing to others."""

    asked: float
    done: threading.Event = field(factory=threading.Event)
    answer: Answer[V] | None = None
    failure: BridgeError | None = None


@define(eq=False)
class Shared(Generic[K, V]):
    """The newest answers, ``most`` of them; the one that was asked for longest ago goes."""

    most: int = 1000
    _answers: dict[K, Answer[V]] = field(factory=dict)
    _questions: dict[K, _Question[V]] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def get(
        self, key: K, newer_than: float, ask: Callable[[], V], stopped: Callable[[], bool] = lambda: False
    ) -> Answer[V]:
        """One that was asked for after ``newer_than``, by anybody. Raises what ``ask`` raised, here or for another;
        Retriable where it is ``stopped`` meanwhile."""
        while True:
            with self._lock:
                answer = self._answers.get(key)
                if answer is not None and answer.asked > newer_than:
                    return answer
                question = self._questions.get(key)
                asks = question is None or question.asked <= newer_than
                if question is None or asks:
                    question = _Question(time.monotonic())
                    self._questions[key] = question
            if asks:
                return self._ask(key, question, ask, stopped)
            while not question.done.wait(_LOOK):
                if stopped():
                    raise Retriable(
                        "not asked for any more, because the connector stops", stage=Stage.METADATA
                    )
            if question.failure is not None:
                raise question.failure
            if question.answer is not None:
                return question.answer

    def _ask(
        self, key: K, question: _Question[V], ask: Callable[[], V], stopped: Callable[[], bool]
    ) -> Answer[V]:
        try:
            question.answer = Answer(question.asked, ask())
            with self._lock:
                self._answers.pop(key, None)
                self._answers[key] = question.answer
                while len(self._answers) > self.most:
                    del self._answers[next(iter(self._answers))]
            return question.answer
        except BridgeError as error:
            if not stopped():  # else it is about who asked
                question.failure = error
            raise
        finally:
            with self._lock:
                if self._questions.get(key) is question:
                    del self._questions[key]
            question.done.set()
