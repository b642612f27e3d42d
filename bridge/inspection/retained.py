"""Where in what a connector's channel retains a moment is: by a subscription of its own, which moves nothing.

Salesforce counts what it delivers so against the org's daily limit, like any other subscription.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from bridge.config import Config
from bridge.errors import Fatal, Stage
from bridge.inspection.sampling import Wish, sample
from bridge.salesforce.auth import Login
from bridge.salesforce.rest import Rest

_QUIET = 5.0  # seconds without an event after which all that is retained has come


@frozen
class Moment:
    """A moment in what a channel retains. ``replay_id``: of the last event published before it; the next one is the
    first that was published then or later. Times are ms since the epoch, None where there is no such event."""

    replay_id: int
    before_ms: int | None
    after_ms: int | None


def replay_id_at(
    connector: Config,
    at_ms: int,
    stopped: Callable[[], bool] = lambda: False,
    looked: Callable[[int], None] = lambda count: None,
) -> Moment:
    """Where a connector has to go on to carry what was published at a time or later. Fatal where nothing older is
    retained any more, so that no replay id says it."""
    login = Login(connector)
    rest = Rest(login, connector)
    last: tuple[int, int | None] | None = None
    wish = Wish(2**62, "all", _QUIET)
    events = sample(connector, login, rest, wish, lambda seen, of: looked(seen), stopped)
    for message in events:
        data = message.data
        created = None if data is None else data.created_ms()
        if data is None or created is None:
            continue
        if created >= at_ms:
            if last is None:
                raise Fatal(
                    f"the oldest event that Salesforce retains, replay id {data.event.replayId}, was published after "
                    "that time: 'sfbridge offsets reset' with salesforce.initial.start=all begins with it",
                    stage=Stage.POSITION,
                    position=data.event.replayId,
                )
            return Moment(last[0], last[1], created)
        if last is None or data.event.replayId >= last[0]:
            last = data.event.replayId, created
    if last is None:
        raise Fatal(
            "Salesforce retains no event of the channel, so none says where that is", stage=Stage.POSITION
        )
    return Moment(last[0], last[1], None)
