"""Positions of other installations: a Connect cluster's offsets topic, its REST API, the managed connector's JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from bridge.documents import Broken, json_of
from bridge.errors import ConfigurationError, Fatal, Fault, Stage
from bridge.errors.words import words
from bridge.kafka.librdkafka import Settings
from bridge.kafka.offsets import read_position, replay_id_of
from bridge.waits import IMPORT

SOURCE = "the position to import"


def replay_id_in(document: object) -> int:
    """The one replay id in what an offsets request answered: ``{"offsets":[{"partition":{},"offset":{…}}]}``,
    the same inside ``previous_offsets``, or ``{"replayId":…}`` alone. Raises ConfigurationError."""
    ids = sorted(set(_replay_ids(document)))
    if len(ids) != 1:
        what = "no replayId" if not ids else f"several replayIds ({', '.join(map(str, ids))})"
        raise ConfigurationError([Fault(SOURCE, f"holds {what}; give one")])
    return ids[0]


def _replay_ids(document: Any) -> Iterator[int]:
    if isinstance(document, list):
        for item in document:
            yield from _replay_ids(item)
    elif isinstance(document, dict):
        if "replayId" in document:
            try:
                yield replay_id_of(document["replayId"])
            except ValueError as wrong:
                raise ConfigurationError(
                    [Fault(SOURCE, f"the replayId {document['replayId']!r} {wrong}")]
                ) from None
        for key in ("offsets", "offset", "previous_offsets"):
            if key in document:
                yield from _replay_ids(document[key])
                break


def from_text(text: str) -> int:
    """The replay id in a JSON text. Raises ConfigurationError."""
    try:
        return replay_id_in(json_of(text))
    except Broken as broken:
        raise ConfigurationError([Fault(SOURCE, str(broken))]) from None


def from_url(url: str, connector: str) -> int:
    """The position that a Kafka Connect worker's REST API tells. Raises Fatal when it does not answer."""
    from urllib.parse import quote

    import requests

    # here: it brings requests along
    from bridge.trust.in_time import session_in_time

    address = f"{url.rstrip('/')}/connectors/{quote(connector, safe='')}/offsets"
    try:
        with session_in_time() as session:
            answer = session.get(address, timeout=IMPORT.longest)
        document = json_of(answer.content)
    except (requests.RequestException, Broken) as error:
        raise Fatal(f"{address} does not answer: {type(error).__name__}", stage=Stage.POSITION) from error
    if answer.status_code != 200:
        said = document.get("message") if isinstance(document, dict) else None
        raise Fatal(
            f"{address} answers {answer.status_code}: {words(said) or 'not a position'}", stage=Stage.POSITION
        )
    return replay_id_in(document)


def from_topic(
    settings: Settings, topic: str, connector: str, looked: Callable[[int], None] = lambda count: None
) -> int:
    """The position in a Kafka Connect cluster's offsets topic; reads it to its end. ``looked`` is told how many records
    there were so far."""
    numbers = count(1)
    position = read_position(
        settings, topic, connector, seen=False, beside=lambda message: looked(next(numbers))
    )
    if position.initial is not None:
        raise Fatal(
            f"topic {topic} holds the replayId {position.option} for {connector}, which is no place to go on at: start "
            f"without a position and with salesforce.initial.start={position.initial}",
            stage=Stage.POSITION,
        )
    if position.replay_id is None:
        raise Fatal(f"topic {topic} holds no position of a connector named {connector}", stage=Stage.POSITION)
    return position.replay_id
