"""Whether another process has gone on while this one did not run: frozen, or with Kafka out of reach."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from bridge.errors import Fenced, Stage
from bridge.kafka.offsets import Position


@define
class Interruption:
    """How a run left its position.

    The question is asked before fencing, because of two that run the one that was away gives way. So a record of an
    open or aborted transaction counts, too. But whatever stood in the topic when this process had fenced and read it
    is decided: the record of a transaction that was aborted before that, whoever began it, says nothing.
    """

    _left_at: frozenset[int | None] | None = None
    _read_to: Mapping[int, int] = field(factory=dict)
    _topic_id: str | None = None

    @property
    def unresolved(self) -> bool:
        """Whether a run was interrupted, and none has fenced and read the position since."""
        return self._left_at is not None

    def left_at(self, *replay_ids: int | None) -> None:
        """A run ended, and the position is one of these: the outcome of the last transaction may not be known."""
        self._left_at = frozenset(replay_ids)

    def resolved(self, position: Position, topic_id: str | None) -> None:
        """Fenced, and then read up to the end."""
        self._left_at, self._read_to, self._topic_id = None, position.read_to, topic_id

    def check(self, position: Position, topic_id: str | None) -> None:
        """``position``: what was written last, whatever became of its transaction. Raises Fenced."""
        if self._left_at is None or position.replay_id in self._left_at or position.at is None:
            return  # where nothing is stored at all, the topic is not the one it was
        partition, offset = position.at
        if topic_id == self._topic_id and offset < self._read_to.get(partition, 0):
            return
        raise Fenced(
            "while this process did not run, another one took the connector over (its position is "
            f"{position.replay_id}); this one stops",
            stage=Stage.POSITION,
            position=position.replay_id,
        )
