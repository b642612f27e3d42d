"""What of a connector's configuration the Pub/Sub transport goes by."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from bridge.config import Config
from bridge.salesforce.auth import Session
from bridge.salesforce.http_settings import HttpSettings, http_settings
from bridge.salesforce.pubsub.channels import ENDPOINT, Address, origin_of
from bridge.waits import KEEPALIVE, OUTAGE, POLL, REQUEST, ROOM

SETTLED: Final = 0.5
"""Seconds after which a subscription counts as confirmed that was not refused and of which nothing was heard."""
SETTLED_NEW_ONLY: Final = 3.0
"""The same of one to new events: what is published before that may be missed (seen with the real service)."""


_LEAST: Final = 4 << 20
"""Bytes of a response that are always taken: Salesforce sends up to 3 MB, and its advice for CometD may be less."""


@frozen
class PubSubSettings:
    """How the source behaves; times in seconds."""

    url: str
    http: HttpSettings
    request_timeout: float = 30.0
    retry_seconds: float = 30.0
    max_response_bytes: int = 104_857_600
    when_expired: str = "all"
    watchdog: float = KEEPALIVE.longest
    room_within: float = ROOM.longest
    first_long_wait: float = 60.0

    @classmethod
    def of(cls, connector: Config) -> PubSubSettings:
        """From a connector's configuration. Raises Fatal, ConfigurationError."""
        return cls(
            url=str(origin_of(connector[ENDPOINT])),
            http=http_settings(connector),
            request_timeout=connector[REQUEST.key] / 1000,
            retry_seconds=connector[OUTAGE.key] / 1000,
            max_response_bytes=max(connector["connection.max.message.size"], _LEAST),
            when_expired=connector["invalid.replay.id.behaviour"],
            watchdog=connector[POLL.key] / 1000 if connector.given(POLL.key) else KEEPALIVE.longest,
        )

    def address(self, session: Session) -> Address:
        """Where a login's calls go."""
        return Address(self.url, session.org_id, self.http, self.max_response_bytes)
