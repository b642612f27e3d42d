"""The usual delivery in the tightest loop: events of one schema, whose route is known and goes by value.

Whatever is not usual is left to the loop of the data path, from that event on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.encryption.uses import Unreserved
from bridge.event import Arguments, Message
from bridge.routing.routes import Route

Raised = Exception | Unreserved


def convert_alike(
    events: Sequence[Message], routes: Mapping[str | None, Route], batch: list[Arguments], fits: int
) -> tuple[int, int, Raised | None]:
    """Convert events, the first and those after it, up to one of another schema, one whose value has more than ``fits``
    bytes, or one that raises; append what they make to ``batch``.

    Returns how many events these are, how many protected fields their values have, and what the next event raised.
    """
    data = events[0].data if events else None
    route = routes.get(data.schema) if data is not None else None
    if data is None or route is None or route.record is not None:
        return 0, 0, None
    schema, topic, convert, append, before = data.schema, route.topic, route.convert, batch.append, len(batch)
    raised: Raised | None = None
    try:
        for message in events:
            data = message.data
            assert data is not None
            if data.schema != schema:
                break
            value = convert(data)
            if len(value) > fits:
                break
            append((topic, value))
    except (Exception, Unreserved) as error:
        raised = error
    done = len(batch) - before
    return done, done * route.sealed, raised
