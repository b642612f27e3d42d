"""What is usual is converted in one go, and what is not is handed back untouched, once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from bridge.encryption.uses import Unreserved
from bridge.errors import BadRecord, Stage
from bridge.event import Arguments, Data, Head, Message
from bridge.pipeline.alike import convert_alike
from bridge.routing.routes import Route


def event(replay_id: int, schema: str = "a") -> Message:
    return Message("/event/X__e", Data(msgspec.Raw(b"{}"), Head(replay_id), schema))


def routes(convert: Callable[[Data], bytes], **options: object) -> dict[str | None, Route]:
    return {"a": Route("orders", convert, sealed=2, **options)}  # type: ignore[arg-type]  # options of a Route


def number(data: Data) -> bytes:
    return b"%d" % data.event.replayId


def test_a_delivery_of_one_schema_is_converted_whole() -> None:
    batch: list[Arguments] = [("letters", b"before")]
    assert convert_alike([event(n) for n in range(5)], routes(number), batch, 100) == (5, 10, None)
    assert batch[1:] == [("orders", b"%d" % n) for n in range(5)]


@pytest.mark.parametrize(
    "third", [event(3, "b"), event(3_000)], ids=["of another schema", "with a value that is too long"]
)
def test_it_ends_before_what_is_not_usual(third: Message) -> None:
    batch: list[Arguments] = []
    assert convert_alike([event(1), event(2), third, event(4)], routes(number), batch, 3) == (2, 4, None)
    assert len(batch) == 2


@pytest.mark.parametrize(
    "error", [BadRecord("it is bad", stage=Stage.ENCODE), ValueError("no"), Unreserved(lambda: None)]
)
def test_what_an_event_raises_is_handed_back_and_it_is_asked_once(error: BaseException) -> None:
    asked: list[int] = []

    def convert(data: Data) -> bytes:
        asked.append(data.event.replayId)
        if data.event.replayId == 2:
            raise error
        return b""

    assert convert_alike([event(n) for n in range(4)], routes(convert), [], 9) == (2, 4, error)
    assert asked == [0, 1, 2]


def test_records_that_depend_on_the_event_and_unknown_schemas_are_left_alone() -> None:
    assert convert_alike([event(1, "unknown")], routes(number), [], 9) == (0, 0, None)
    assert convert_alike([event(1)], routes(number, record=lambda data: None), [], 9) == (0, 0, None)
    assert convert_alike([], routes(number), [], 9) == (0, 0, None)
