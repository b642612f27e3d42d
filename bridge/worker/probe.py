"""Trying a replay id at Salesforce before a position is moved to it."""

from __future__ import annotations

import threading

from bridge.config import Loaded
from bridge.errors import BridgeError, Fatal, Stage
from bridge.log import masked
from bridge.salesforce.auth import Login
from bridge.salesforce.transport import open_rest, try_subscription
from bridge.waits import MOVED


def remark(loaded: Loaded, replay_id: int, seconds: float = MOVED.longest) -> str | None:
    """What a subscription after the replay id is answered, in a sentence; None where the org knows it."""
    answers: list[str | None] = []

    def ask() -> None:
        config = loaded.connector
        login = Login(config)
        try:
            try_subscription(config, login, open_rest(config, login), replay_id)
        except BridgeError as error:
            answers.append(
                f"A subscription after replay id {replay_id} was tried: {masked(error.message)}. If it stays so, the "
                f"connector starts as invalid.replay.id.behaviour={config['invalid.replay.id.behaviour']} says."
            )
        else:
            answers.append(None)

    thread = threading.Thread(target=ask, name=f"{loaded.connector.name}-try", daemon=True)
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    return f"Whether the org knows replay id {replay_id} could not be told within {seconds:.0f} s."


def try_replay_id(loaded: Loaded, replay_id: int) -> None:
    """Subscribe after the replay id and end the session at once. Raises Fatal with Salesforce's reason."""
    config = loaded.connector
    login = Login(config)
    try:
        try_subscription(config, login, open_rest(config, login), replay_id)
    except BridgeError as error:
        raise Fatal(
            f"replay id {replay_id} was tried and the position not moved: {error.message}",
            stage=Stage.POSITION,
        ) from error
