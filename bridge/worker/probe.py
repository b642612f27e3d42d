"""Trying a replay id at Salesforce before a position is moved to it."""

from __future__ import annotations

from bridge.config import Loaded, subscription
from bridge.errors import BridgeError, Fatal, Stage
from bridge.salesforce.auth import Login
from bridge.salesforce.cometd import cometd_settings, probe
from bridge.salesforce.http_settings import http_settings
from bridge.salesforce.rest import Rest


def try_replay_id(loaded: Loaded, replay_id: int) -> None:
    """Subscribe after the replay id and end the session at once. Raises Fatal with Salesforce's reason."""

    config = loaded.connector
    login = Login(config)
    channel = subscription.channel(config)
    try:
        version = Rest(login, config).api_version()
        probe(channel, login, cometd_settings(config, version), http_settings(config), replay_id)
    except BridgeError as error:
        raise Fatal(
            f"replay id {replay_id} was tried and the position not moved: {error.message}",
            stage=Stage.POSITION,
        ) from error
