"""Trying a replay id at Salesforce before a position is moved to it."""

from __future__ import annotations

from bridge.config import Loaded
from bridge.errors import BridgeError, Fatal, Stage
from bridge.salesforce.auth import Login
from bridge.salesforce.rest import Rest
from bridge.salesforce.transport import try_subscription


def try_replay_id(loaded: Loaded, replay_id: int) -> None:
    """Subscribe after the replay id and end the session at once. Raises Fatal with Salesforce's reason."""

    config = loaded.connector
    login = Login(config)
    try:
        try_subscription(config, login, Rest(login, config), replay_id)
    except BridgeError as error:
        raise Fatal(
            f"replay id {replay_id} was tried and the position not moved: {error.message}",
            stage=Stage.POSITION,
        ) from error
