"""What becomes of connectors, told in a topic of the operator's choice (``bridge.lifecycle.topic``).

A record is a CloudEvent 1.0 in the structured mode of the Kafka protocol binding: its header ``content-type`` says
so, its value is the whole event, its key the connector. Sources: github.com/cloudevents/spec, ``spec.md``,
``formats/json-format.md`` and ``bindings/kafka-protocol-binding.md``.

State and reason are those of the status topic's record, which quote no event and no secret; CREATED and DELETED are
told besides. Each change is told by the process that writes it, so once in a group.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from attrs import field, frozen

from bridge.config import Config
from bridge.counts import LIFECYCLE_DROPPED
from bridge.event import Header
from bridge.kafka.beside import Beside, opened
from bridge.kafka.settings import worker_settings
from bridge.log import Seldom, for_connector

TOPIC: Final = "bridge.lifecycle.topic"
CONNECTOR: Final = "io.sfbridge.connector.state"
TASK: Final = "io.sfbridge.task.state"
HEADERS: Final[list[Header]] = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
#: What CloudEvents' type String leaves out: control characters, halves of surrogate pairs, noncharacters.
_DISALLOWED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


@frozen
class Change:
    """A state that is another one than before. ``task``: of the connector's task, not of the connector.

    ``previous`` is None where nothing was said before, ``worker_id`` empty where no worker has it.
    """

    connector: str
    state: str
    previous: str | None = None
    reason: str | None = None
    worker_id: str = ""
    generation: int | None = None
    task: bool = False


def document(change: Change, source: str, when: datetime) -> bytes:
    """The event. ``source``: of :func:`source_of`; ``when`` has a zone."""
    data = {
        "connector": _unicode(change.connector),
        **({"task": 0} if change.task else {}),
        "state": change.state,
        "previous": change.previous,
        "reason": None if change.reason is None else _unicode(change.reason),
        "worker_id": change.worker_id or None,
        "generation": change.generation,
    }
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": source,
        "type": TASK if change.task else CONNECTOR,
        "subject": _DISALLOWED.sub("\ufffd", change.connector),
        "time": when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def source_of(group: str, worker_id: str) -> str:
    """Who tells it, as a URI reference."""
    return "/sfbridge/" + "/".join(quote(_unicode(part), safe=":") for part in (group, worker_id))


def _bytes(text: str) -> bytes:
    """Half of a surrogate pair, which UTF-8 cannot hold, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _unicode(text: str) -> str:
    return _bytes(text).decode()


@frozen
class Lifecycle:
    """Tells changes, or drops and counts them. ``close`` it."""

    _source: str
    _beside: Beside

    def tell(self, change: Change) -> None:
        """Returns at once. Raises nothing: whoever says what a connector is must not fail with this."""
        try:
            value = document(change, self._source, datetime.now(UTC))
            self._beside.send(_bytes(change.connector), value, HEADERS)
        except Exception:
            for_connector(change.connector).exception("unexpected error: this is a fault of the bridge")

    def close(self) -> None:
        """Nothing is told any more; what is on its way gets two seconds."""
        self._beside.close()


@frozen
class _Dropped:
    """Counts what Kafka did not take, and says why once a minute."""

    topic: str
    _seldom: Seldom = field(factory=Seldom)

    def __call__(self, key: bytes, why: str) -> None:
        LIFECYCLE_DROPPED.add(self.topic)
        name = key.decode()
        self._seldom.warn(for_connector(name), why, f"a lifecycle event of {name} was dropped: {why}")


def lifecycle(config: Config, worker_id: str) -> Lifecycle | None:
    """None where the worker's configuration names no topic, or one warning has said why there is no producer."""
    topic = config.get(TOPIC)
    if not topic:
        return None
    beside = opened(lambda kind: worker_settings(kind, config), str(topic), _Dropped(str(topic)))
    return None if beside is None else Lifecycle(source_of(str(config["group.id"]), worker_id), beside)
