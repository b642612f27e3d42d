"""The simulated org: one object to define events, publish, switch faults on, and look at what happened."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.routing import Route

from bridge.sandbox.definition import EventDefinition
from bridge.sandbox.kept import Keep
from bridge.sandbox.org.bayeux import Bayeux, Settings
from bridge.sandbox.org.bus import EventBus
from bridge.sandbox.org.cometd import CometD
from bridge.sandbox.org.control import Control
from bridge.sandbox.org.faults import Faults
from bridge.sandbox.org.oauth import Credentials, TokenEndpoint, Tokens
from bridge.sandbox.org.rest import Rest
from bridge.sandbox.running import Running
from bridge.sandbox.server import Server
from bridge.sandbox.tls import make_certificate

if TYPE_CHECKING:
    from bridge.sandbox.org.pubsub import PubSub
    from bridge.sandbox.org.pubsub import Settings as PubSubSettings

_ORG_ID: Final = "org id"
_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class Org(Running):
    """A Salesforce org on 127.0.0.1 over TLS. A context manager, or ``start`` and ``stop``.

    ``directory`` gets ``ca.pem``, which a client must trust. Every method may be called from any thread. ``keep``:
    where org id, definitions and retained events are over restarts; sessions and tokens end with the process.
    """

    def __init__(
        self,
        events: Iterable[EventDefinition] = (),
        *,
        directory: Path,
        port: int = 0,
        org_id: str | None = None,
        credentials: Credentials | None = None,
        settings: Settings | None = None,
        last_replay_id: int = 2_241_547,
        keep: Keep | None = None,
    ) -> None:
        self.faults = Faults()
        self.tokens = Tokens()
        self.credentials = credentials or Credentials()
        self.user_id = with_checksum("0055g00000Ab1cd")
        self._keep = keep
        self.bus = EventBus(self.user_id, last_replay_id, self._published, keep)
        self.bayeux = Bayeux(self.bus.logs, self.faults, settings or Settings())
        self.login = TokenEndpoint(self.credentials, self.tokens, self.faults)
        self.login.user_id = self.user_id
        self.rest = Rest(self.bus, self.tokens, self.faults)
        kept = None if keep is None else keep.fact(_ORG_ID)
        self._call_itself(org_id or (kept.decode() if kept else new_org_id()))
        certificate = self._certificate = make_certificate(directory, again=keep is not None)
        self.ca_file = certificate.ca_file
        self.pubsub: PubSub | None = None
        self._server = Server(self._application(), port=port, certificate=certificate, name="org")
        self.url = self.login.url = self._server.url
        for event in events:
            if kept is None or event.name not in self.bus.definitions:
                self.define(event)

    def start(self) -> None:
        """Accept connections."""
        self._server.start()

    def stop(self) -> None:
        """Answer held polls and stop listening."""
        self.bayeux.closing = True
        self.bayeux.wake()
        if self.pubsub is not None:
            self.pubsub.stop()
        self._server.stop()

    def serve_pubsub(self, port: int = 0, settings: PubSubSettings | None = None) -> str:
        """Serve the Pub/Sub API, too, until ``stop``; its endpoint."""
        # here: gRPC is slow to load
        from bridge.sandbox.org.pubsub import PubSub

        if self.pubsub is None:
            self.pubsub = PubSub(
                self.bus,
                self.tokens,
                self.faults,
                self._certificate,
                org_id=lambda: self.org_id,
                port=port,
                settings=settings,
            )
            self.pubsub.start()
        return self.pubsub.endpoint

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def define(self, definition: EventDefinition) -> str:
        """Add an event or change its definition; its schema id. Earlier ids stay resolvable."""
        return self.bus.define(definition)

    def define_channel(self, name: str, members: Iterable[str]) -> None:
        """Add a custom channel (``X__chn``) that delivers what is published of several events from now on."""
        self.bus.define_channel(name, members)

    def hide_classification(self, event: str, *fields: str) -> None:
        """FieldDefinition does not name these fields, though describe has them: the Tooling API lags behind."""
        self.rest.unclassified.update((event, field) for field in fields)

    def show_classification(self, event: str, *fields: str) -> None:
        """It names them from now on."""
        self.rest.unclassified.difference_update((event, field) for field in fields)

    def publish(self, event: str, payload: Mapping[str, Any], *, created: float | None = None) -> int:
        """Publish one event (``created``: seconds since the epoch, default now); its replay id."""
        return self.bus.publish(event, payload, created=created)

    def publish_many(
        self, event: str, events: int | Iterable[Mapping[str, Any]], *, created: float | None = None
    ) -> list[int]:
        """Publish these payloads, or that many generated events; their replay ids."""
        return self.bus.publish_many(event, events, created=created)

    def publish_group(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Publish events (name, payload) that share one replay id, as merged change events do; that id."""
        return self.bus.publish_group(events)

    def expire(self, before: float) -> int:
        """Let events published before this moment (epoch seconds) fall out of retention; how many."""
        return self.bus.expire(before)

    def revoke_tokens(self) -> None:
        """End every access token; held polls are answered with 401."""
        self.tokens.revoke_all()
        self.bayeux.wake()

    def forget_sessions(self) -> None:
        """Lose every Bayeux session: 403::Unknown client."""
        self.bayeux.forget()

    def reset_streams(self) -> None:
        """Cut every stream of the Pub/Sub API."""
        if self.pubsub is not None:
            self.pubsub.reset()

    def refresh(self, org_id: str | None = None) -> str:
        """A sandbox refresh: another org id, no events, no sessions, no tokens; the definitions stay."""
        self._call_itself(org_id or new_org_id())
        self.bus.clear(secrets.randbelow(1_000_000) + 1)
        self.revoke_tokens()
        self.forget_sessions()
        self.reset_streams()
        return self.org_id

    def _published(self, channel: str) -> None:
        self.bayeux.wake(channel)
        if self.pubsub is not None:
            self.pubsub.wake(channel)

    def state(self) -> dict[str, Any]:
        """What happened so far, as the control endpoint shows it."""
        sessions = [
            {
                "clientId": session.client_id,
                "subscriptions": sorted(session.subscriptions),
                "polling": session.polls > 0,
            }
            for session in list(self.bayeux.sessions.values())
        ]
        return {
            "url": self.url,
            "org_id": self.org_id,
            "sessions": sessions,
            "channels": {channel: log.state() for channel, log in list(self.bus.logs.items())},
            "schemas": {name: self.bus.schema_id(name) for name in list(self.bus.definitions)},
            "counters": dict(self.bayeux.counters),
            "logins": self.tokens.issued,
            "refused_logins": self.login.refused,
            "rest_calls": self.rest.calls,
            "faults": self.faults.state(),
            **({} if self.pubsub is None else {"pubsub": self.pubsub.state()}),
        }

    def _call_itself(self, org_id: str) -> None:
        self.org_id = self.login.org_id = org_id
        if self._keep is not None:
            self._keep.keep(_ORG_ID, org_id.encode())

    def _application(self) -> Starlette:
        cometd = CometD(self.bayeux, self.tokens, self.faults)
        routes = [
            Route("/services/oauth2/token", self.login.answer, methods=["POST"]),
            *self.rest.routes(),
            Route("/cometd", cometd.answer, methods=["POST"]),
            Route("/cometd/", cometd.answer, methods=["POST"]),
            Route("/cometd/{version}", cometd.answer, methods=["POST"]),
            Route("/cometd/{version}/{suffix:path}", cometd.answer, methods=["POST"]),
            *Control(self).routes(),
        ]
        return Starlette(routes=routes)


def new_org_id() -> str:
    """A random org id of 18 characters."""
    return with_checksum("00D5g0" + secrets.token_hex(5)[:9].upper())


def with_checksum(identifier: str) -> str:
    """The 18 characters of an id of 15: three more that say which of the letters are capitals."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(
            1 << i
            for i, char in enumerate(identifier[start : start + 5])
            if char.isascii() and char.isupper()
        )
        suffix += _ID_ALPHABET[bits]
    return identifier + suffix
