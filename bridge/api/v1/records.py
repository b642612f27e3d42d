"""Records of a connector's topic, decoded as ``sfbridge consume`` does; what is protected stays ciphertext."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from attrs import define, frozen

from bridge.api.exchange import Answer, Ask
from bridge.api.users import Role
from bridge.api.v1.here import Here
from bridge.api.v1.jobs import JOB_ANSWERS, submitted
from bridge.api.v1.operation import CONNECTOR, STRING, Operation, closed, integer, nullable, word
from bridge.api.v1.subject import Subject, options, stored, text_of, whole, word_of
from bridge.api.v1.work import Job, Jobs
from bridge.config import Loaded
from bridge.errors import Fatal, Stage
from bridge.kafka.admin import output_topics
from bridge.kafka.service_account import looking
from bridge.reading.consumer import Reader
from bridge.reading.source import Document, document, source_of
from bridge.reading.stretch import Since, StillToComeError, Stretch, since_of
from bridge.worker.refusals import Refused

if TYPE_CHECKING:
    from confluent_kafka import Message

MOST: Final = 500
_DEFAULT: Final = 50
_PATIENCE: Final = 15.0
_LARGE: Final = 64 * 1024  # bytes of a value or of headers beyond which only their size is told
_HIGHEST: Final = 2**63 - 1


@frozen
class Wanted:
    """Which records: the newest, or from an offset or a time on."""

    limit: int
    topic: str | None
    partition: int | None
    since: Since | None


@define(eq=False)
class Records:
    """The handlers."""

    here: Here
    jobs: Jobs

    def of_connector(self, ask: Ask) -> Answer:
        subject, wanted = stored(self.here, ask.path[0]), _wanted(ask)
        seen = self.here.herder().topics(subject.name)

        def task(job: Job) -> dict[str, object]:
            return _read(job, subject, wanted, seen)

        return submitted(self.jobs, ask, "records", subject.name, Role.RECORDS, task)


def _wanted(ask: Ask) -> Wanted:
    """Raises Refused (400)."""
    given = options(ask, "limit", "topic", "partition", "start", "offset", "time")
    start = word_of(given, "start", "newest", "newest", "oldest", "offset", "time")
    partition = whole(given, "partition", -1, 0, 10**6)
    since = Since("0", offset=0) if start == "oldest" else None
    if start == "offset":
        if partition < 0 or given.get("offset") is None:
            raise Refused(400, "start=offset needs partition and offset")
        offset = whole(given, "offset", 0, 0, _HIGHEST)
        since = Since(str(offset), offset=offset)
    if start == "time":
        try:
            since = since_of(text_of(given, "time") or "")
        except StillToComeError as wrong:
            raise Refused(400, f"time: {wrong}") from None
        except ValueError:
            raise Refused(
                400, "time must be ISO 8601 (2026-01-31T10:00:00Z) or an age (90m, 24h, 7d)"
            ) from None
        if since.time_ms is None:
            raise Refused(400, "time must be ISO 8601 or an age; an offset goes with start=offset")
    limit = whole(given, "limit", _DEFAULT, 1, MOST)
    return Wanted(limit, text_of(given, "topic", 249), None if partition < 0 else partition, since)


def _topic(loaded: Loaded, wanted: str | None, seen: list[str]) -> tuple[str, list[str]]:
    """The topic that is meant, and all that may be: those that it is to write to, and was seen to write to. Fatal."""
    topics = list(dict.fromkeys([*output_topics(loaded.connector), *seen]))
    if wanted is not None and wanted not in topics:
        known = ", ".join(topics) or "none is known yet"
        raise Fatal(f"{wanted} is no topic of this connector: {known}", stage=Stage.RECEIVE)
    if not topics:
        raise Fatal("its topic depends on the event, and it has written to none yet", stage=Stage.RECEIVE)
    return wanted or topics[0], topics


def _read(job: Job, subject: Subject, wanted: Wanted, seen: list[str]) -> dict[str, object]:
    loaded = subject.loaded()
    topic, topics = _topic(loaded, wanted.topic, seen)
    with looking(loaded, "records", job.note) as keyed:
        source = source_of(keyed, topic)
        reader = Reader(source.kafka, topic, patience=_PATIENCE, waiting=job.say, stopped=job.stopped)
        newest = (
            None if wanted.since is not None else 2 * wanted.limit + 10
        )  # a mark stands after a record at most
        stretch = Stretch(reader, wanted.since, patience=_PATIENCE, partition=wanted.partition, newest=newest)
        keys, values = source.decoder("key"), source.decoder()
        for message in _chosen(stretch, wanted, job):
            job.add(_bounded(document(message, keys, values)))
            if job.stopped():
                break
    for text in stretch.held_back:
        job.note(text)
    return {"topic": topic, "topics": topics, "count": len(job.items)}


def _chosen(stretch: Stretch, wanted: Wanted, job: Job) -> Iterator[Message]:
    """The newest of them, newest first; or those from somewhere on, as they come."""
    messages = stretch.read(lambda records, offsets: job.progress(records, offsets))
    if wanted.since is None:
        yield from heapq.nlargest(wanted.limit, messages, key=_age)
        return
    for number, message in enumerate(messages, 1):
        yield message
        if number == wanted.limit:
            return


def _age(message: Message) -> tuple[int, int, int]:
    return message.timestamp()[1], message.partition() or 0, message.offset() or 0


def _bounded(whole_document: Document) -> dict[str, object]:
    """Large parts left out: a page shows none of them, and a job holds only so much."""
    told: dict[str, object] = {**whole_document}
    for name in ("key", "value", "headers", "undecoded"):
        if name in told and (size := len(msgspec.json.encode(told[name]))) > _LARGE:
            told[name] = {} if name in ("headers", "undecoded") else None
            told["note"] = "; ".join(
                filter(None, (str(told.get("note") or ""), f"{name} has {size} bytes, not shown"))
            )
    return told


SCHEMAS: Final = {
    "RecordsRequest": closed(
        limit={**integer(1, MOST, _DEFAULT), "description": "How many at most"},
        topic=nullable(STRING, "One of its topics; else the first"),
        partition=nullable(integer(0, 10**6), "Only this one"),
        start={**word("newest", "oldest", "offset", "time", default="newest"), "description": "From where"},
        offset=nullable(integer(0, _HIGHEST), "With start=offset, and a partition"),
        time=nullable(STRING, "With start=time: ISO 8601, or an age (90m, 24h, 7d)"),
    ),
}  # fmt: skip
OPERATIONS: Final[tuple[Operation[Records], ...]] = (
    Operation(
        "POST", f"{CONNECTOR}/records",
        "A job that reads records of its topic: decoded, protected values as ciphertext. Items: topic, partition, "
        "offset, timestamp, key, value, headers, schema_id, note, undecoded",
        Records.of_connector, JOB_ANSWERS, role=Role.RECORDS, body="RecordsRequest",
    ),
)  # fmt: skip
