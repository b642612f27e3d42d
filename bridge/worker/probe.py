"""Trying a replay id at Salesforce before, or after, a position is moved to it."""

from __future__ import annotations

import threading

from bridge.config import Config, Loaded
from bridge.errors import BridgeError, Fatal, Stage
from bridge.log import masked
from bridge.salesforce.auth import Login
from bridge.salesforce.failures import UnknownReplayId
from bridge.salesforce.token import Refused
from bridge.salesforce.transport import open_rest, try_subscription
from bridge.waits import MOVED


def remark(loaded: Loaded, replay_id: int, seconds: float = MOVED.longest) -> str | None:
    """What a subscription after the replay id is answered, in a sentence; None where the org knows it. A login that was
    refused when this process last sent it is not sent for that."""
    answers: list[str | None] = []
    thread = threading.Thread(
        target=lambda: answers.append(_answer(loaded.connector, replay_id)),
        name=f"{loaded.connector.name}-try",
        daemon=True,
    )
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    return f"Whether the org knows replay id {replay_id} could not be told within {seconds:.0f} s."


def _answer(config: Config, replay_id: int) -> str | None:
    try:
        _subscribe(config, replay_id)
    except UnknownReplayId as error:
        behaviour = config["invalid.replay.id.behaviour"]
        return (
            f"A subscription after replay id {replay_id} was tried: {_clause(error)}. If it stays so, the connector "
            f"starts as invalid.replay.id.behaviour={behaviour} says."
        )
    except Refused as error:
        return f"Replay id {replay_id} was not tried at the org: {_clause(error)}."
    except BridgeError as error:
        return f"Whether the org knows replay id {replay_id} could not be told: {_clause(error)}."
    return None


def try_replay_id(loaded: Loaded, replay_id: int) -> None:
    """Subscribe after the replay id and end the session at once. Raises Fatal with Salesforce's reason."""
    try:
        _subscribe(loaded.connector, replay_id)
    except UnknownReplayId as error:
        raise Fatal(
            f"replay id {replay_id} was tried and the position not moved: {error.message}",
            stage=Stage.POSITION,
        ) from error
    except BridgeError as error:
        raise Fatal(
            f"the position was not moved, because whether the org knows replay id {replay_id} could not be told: "
            f"{error.message}",
            stage=Stage.POSITION,
        ) from error


def _subscribe(config: Config, replay_id: int) -> None:
    login = Login(config, looks=True)
    try_subscription(config, login, open_rest(config, login), replay_id)


def _clause(error: BridgeError) -> str:
    """Its message, to which a full stop is added."""
    return masked(error.message).rstrip(". ")
