"""Who is in a consumer group, and who owns the partition that decides: the broker's word for who is alive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bridge.errors import Retriable, Stage
from bridge.kafka.errors import ErrorWatch
from bridge.kafka.shared import shared_client
from bridge.waits import KAFKA_REQUEST


@frozen
class Member:
    """One living member. ``name`` is what it calls itself (its client id)."""

    name: str
    host: str
    owner: bool


def worker_group(group_id: str) -> str:
    """The consumer group of the workers: their ``group.id`` itself."""
    return group_id


def lease_group(group_id: str, connector: str) -> str:
    """The consumer group whose owner may run a connector by ``sfbridge run``."""
    return f"{group_id}-{connector}-lease"


def members(settings: Mapping[str, Any], group: str) -> list[Member]:
    """The group's members; none if there is no such group. Raises BridgeError when Kafka refuses."""
    from confluent_kafka import KafkaException

    shared = shared_client(settings)
    watch = ErrorWatch(stage=Stage.POSITION, beside=shared.watch)
    try:
        asked = shared.client.describe_consumer_groups([group], request_timeout=KAFKA_REQUEST.longest)
        description = asked[group].result(KAFKA_REQUEST.longest)
    except KafkaException as error:
        if error.args[0].name() in ("GROUP_ID_NOT_FOUND", "INVALID_GROUP_ID"):
            return []
        raise watch.explain(error, f"looking at group {group}") from error
    except TimeoutError:  # the future's own: the client was not even connected
        raise Retriable(f"Kafka does not answer who is in group {group}", stage=Stage.POSITION) from None
    finally:
        shared.release()
    return [
        Member(
            member.client_id,
            str(member.host).lstrip("/"),
            bool(member.assignment and member.assignment.topic_partitions),
        )
        for member in description.members
    ]
