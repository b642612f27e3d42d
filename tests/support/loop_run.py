"""The pipeline's loop over given deliveries, in memory: what it commits, and in which order.

The producer here only notes what it is told, in transactions; what a real one does with it is tested with a broker.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from attrs import define, field

from bridge.buffer import Buffer
from bridge.errors import BadRecord, Retriable, Stage
from bridge.event import Data, Head, Message, Record
from bridge.metrics import Stats
from bridge.pipeline.commits import Commits
from bridge.pipeline.loop import Limits, Pipeline
from bridge.pipeline.policy import ErrorPolicy
from bridge.pipeline.records import OffsetRecords
from bridge.progress import Progress
from bridge.routing.routes import Route, Routes
from bridge.source import Ended, Signal


@define
class Notes:
    """What was committed, in order: per transaction its records and then the position."""

    open: list[tuple[Any, ...]] = field(factory=list)
    transactions: list[list[Any]] = field(factory=list)
    full: int = 0
    durable: int = 0
    said: list[str] = field(factory=list)
    transactional_id: str | None = None

    def begin(self) -> None: ...
    def check(self) -> None: ...

    def flush(self) -> None:
        self.durable = len(self.transactions)

    def produce(self, *arguments: Any) -> None:
        if self.full:
            self.full -= 1
            raise BufferError
        self.open.append(arguments)

    def send(self, arguments: tuple[Any, ...]) -> None:
        self.open.append(arguments)

    def commit(self, position: tuple[Any, ...] | None) -> None:
        self.transactions.append([*self.open, position])
        self.open = []

    def values(self) -> list[int]:
        return [int(args[1]) for one in self.transactions for args in one if args[0] == "out"]

    def positions(self) -> list[int]:
        return [json.loads(one[-1][1])["replayId"] for one in self.transactions if b"replayId" in one[-1][1]]


class Resolver:
    """Every event is its replay id as text; payloads say what goes wrong with them."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[str | None] = []
        self.failures = failures

    def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        self.asked.append(schema_id)
        if self.failures:
            self.failures -= 1
            raise Retriable("the registry is away", stage=Stage.SCHEMA)
        if schema_id == "filtered":
            return Route("out", convert, filtered)
        return Route("out", convert)


def convert(data: Data) -> bytes:
    if bytes(data.payload) == b'"bad"':
        raise BadRecord("it is bad", stage=Stage.ENCODE)
    if bytes(data.payload) == b'"broken"':
        raise ValueError("a value that nobody may read")
    return b"%d" % data.event.replayId


def filtered(data: Data) -> Record | None:
    return None


def event(replay_id: int, kind: str = "good", schema: str = "a") -> Message:
    return Message("/event/X__e", Data(msgspec.Raw(json.dumps(kind).encode()), Head(replay_id), schema))


def carry(
    deliveries: Sequence[Signal], *, tolerate: bool = False, resolver: Any = None, **limits: Any
) -> Any:
    buffer = Buffer(10**6, 10**9)
    for delivery in deliveries:
        buffer.put(delivery)
    buffer.put(Ended())
    notes, stats = Notes(), Stats(connector="x")
    pipeline = Pipeline(
        connector="x",
        commits=Commits(notes, OffsetRecords("x", "00D", "offsets"), stats),  # type: ignore[arg-type]  # a double
        buffer=buffer,
        routes=Routes(resolver or Resolver(), 1000),  # type: ignore[arg-type]  # a double
        producer=notes,  # type: ignore[arg-type]  # a double
        policy=ErrorPolicy(tolerate, None, stats, lambda text: None),
        stats=stats,
        limits=Limits(**limits),
        progress=Progress(),
        on_running=lambda: notes.said.append("running"),
        on_gap=lambda last: notes.said.append(f"gap after {last}"),
    )
    return pipeline, notes, stats
