"""Metadata where events come by the Pub/Sub API: their schemas by ``GetSchema``, everything else over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bridge.config import Config
from bridge.config.subscription import channel_of
from bridge.errors import Retriable, Stage
from bridge.retry import patiently
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.failures import SessionOver, Verdict, refusal
from bridge.salesforce.pubsub.client import Client
from bridge.salesforce.pubsub.schemas import SCHEMAS, NoSchema
from bridge.salesforce.pubsub.settings import PubSubSettings
from bridge.salesforce.rest import RETRIES, Rest

T = TypeVar("T")


class PubSubRest(Rest):
    """As ``Rest``; what the stream has asked for already is not asked for again."""

    def __init__(self, login: Login, connector: Config) -> None:
        super().__init__(login, connector)
        self._settings = PubSubSettings.of(connector)
        self._under_way: set[Client] = set()

    def close(self) -> None:
        """End the questions that are under way, too."""
        super().close()
        for client in tuple(self._under_way):
            client.cancel()

    def event_schema(self, schema_id: str) -> dict[str, object] | None:
        """The Avro schema an event was published with; by REST where the Pub/Sub API does not give it out."""
        try:
            wire = self._calls(
                f"event schema {schema_id[:64]}",
                lambda client: SCHEMAS.of(
                    client.session.org_id, schema_id, client.schema, self._closed.is_set
                ),
            )
        except NoSchema:
            return super().event_schema(schema_id)
        return {**wire.document, "uuid": schema_id}

    def event_schema_of(self, event: str) -> dict[str, object] | None:
        """The Avro schema that the event has now; None if there is none."""
        topic = channel_of(event)
        schema_id = self._calls(topic, lambda client: client.check_topic(topic))
        return self.event_schema(schema_id) if schema_id else super().event_schema_of(event)

    def _calls(self, what: str, question: Callable[[Client], T]) -> T:
        def once(session: Session) -> T:
            client = Client(self._settings.address(session), session, self._settings.request_timeout)
            self._under_way.add(client)
            try:
                if self._closed.is_set():
                    client.cancel()
                return question(client)
            except SessionOver:
                if self._closed.is_set():
                    text = f"{what}: not asked for any more, because the connector stops"
                    raise Retriable(text, stage=Stage.METADATA) from None
                raise
            finally:
                self._under_way.discard(client)
                client.close()

        def attempt() -> T:
            session = self._login.session()
            try:
                return once(session)
            except SessionOver as over:
                if over.failure.verdict is not Verdict.RENEW:
                    raise refusal(what, over.failure) from None
            try:
                return once(self._login.renew(session))
            except SessionOver as over:
                raise refusal(what, over.failure) from None

        return patiently(attempt, seconds=self._seconds, limit=RETRIES, pause=self._closed.wait)
