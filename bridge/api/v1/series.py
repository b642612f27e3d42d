"""What a connector did over time: events, lag, commits, errors of 15 minutes or 6 hours, of the worker that runs it."""

from __future__ import annotations

import math
from typing import Final

from attrs import define

from bridge.api.exchange import Answer, Ask
from bridge.api.v1.here import Here
from bridge.api.v1.operation import (
    CONNECTOR,
    INTEGER,
    NUMBER,
    STRING,
    Operation,
    Query,
    listed,
    nullable,
    one_of,
    record,
    word,
)  # fmt: skip
from bridge.history import NAMES, STEP, History

_WINDOWS: Final = {"15m": (180, STEP), "6h": (360, 60.0)}


@define(eq=False)
class Series:
    """The handlers."""

    here: Here

    def of(self, ask: Ask) -> Answer:
        name, window = ask.path[0], one_of(ask, "window", tuple(_WINDOWS), "15m")
        owner = self.here.connector(name)
        silent = f"{owner}, which runs {name}, does not answer; what it knows is not known here"
        self.here.at_owner(ask, name, Answer(200, _document(name, owner, window, None, silent)))
        history = self.here.watch.sampler.of(name)
        message = None if history is not None else f"{name} has not run in this process"
        return Answer(200, _document(name, owner, window, history, message))


def _document(
    name: str, worker: str | None, window: str, history: History | None, message: str | None
) -> dict[str, object]:
    most, step = _WINDOWS[window]
    samples = []
    if history is not None:
        samples = (history.short if window == "15m" else history.long).last(most)
    return {
        "connector": name,
        "worker": worker,
        "window": window,
        "step": step,
        "since": None if history is None else int(history.since * 1000),
        "starts": [] if history is None else [int(at * 1000) for at in history.starts],
        "at": [int(at * 1000) for at, _ in samples],
        **{key: [_known(sample[place]) for _, sample in samples] for place, key in enumerate(NAMES)},
        "message": message,
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 3)


_VALUES: Final = {"type": "array", "items": {"type": "number", "nullable": True}}
SCHEMAS: Final = {
    "Series": record(
        "connector", "worker", "window", "step", "since", "starts", "at", *NAMES, "message",
        connector=STRING,
        worker=nullable(STRING),
        window=word(*_WINDOWS),
        step={**NUMBER, "description": "Seconds from one value to the next"},
        since=nullable(INTEGER, "Since when that worker has looked at it (ms since the epoch)"),
        starts=listed(INTEGER, "When it started there (ms since the epoch)"),
        at=listed(INTEGER, "The time of each value (ms since the epoch), the oldest first"),
        events={**_VALUES, "description": "Events committed a second"},
        lag={**_VALUES, "description": "Seconds behind Salesforce; in 6h the largest of a minute"},
        commit={**_VALUES, "description": "Seconds that a commit took"},
        errors={**_VALUES, "description": "What went wrong meanwhile"},
        message=nullable(STRING, "Why there is nothing"),
    ),
}  # fmt: skip
OPERATIONS: Final[tuple[Operation[Series], ...]] = (
    Operation(
        "GET", f"{CONNECTOR}/series", "Events, lag, commits and errors over time", Series.of, {200: "Series"},
        query=(Query("window", "How far back", word(*_WINDOWS, default="15m")),),
    ),
)  # fmt: skip
