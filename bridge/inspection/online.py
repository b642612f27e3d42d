"""What can only be known by asking: login, event, brokers, topics, rights, registry. Changes nothing anywhere.

One check at a time, each a sentence. What depends on something that failed is not asked and says so (``ok`` is
None). A transactional id of its own is tried, never the connector's: that would fence a running connector.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, Final

from attrs import define, field

from bridge.config import Loaded, subscription
from bridge.errors import BridgeError, ConfigurationError, Fatal, Stage
from bridge.errors.words import quoting
from bridge.inspection.attempts import Check, attempt
from bridge.inspection.named import faults_of
from bridge.inspection.registering import Registering
from bridge.kafka import admin
from bridge.kafka.belonging import check_org
from bridge.kafka.cluster import Cluster, Topic
from bridge.kafka.committed import NotRead
from bridge.kafka.errors import ErrorWatch
from bridge.kafka.offsets import read_position
from bridge.kafka.service_account import accounts, looking
from bridge.kafka.settings import (
    admin_settings,
    consumer_settings,
    exactly_once,
    producer_settings,
    transactional_id,
)
from bridge.log import for_connector
from bridge.metadata.sources import EventTypes, load_contracts
from bridge.model.contract import Contract
from bridge.model.schema import EventType
from bridge.salesforce.auth import Login
from bridge.salesforce.transport import open_rest, try_subscription
from bridge.waits import KAFKA_REQUEST

_POSITION: Final = 20.0  # seconds to read the topic of positions


def checks(loaded: Loaded) -> Iterator[Check]:
    """Every check, as each ends."""
    org = _Org(loaded)
    yield from org.checks()
    stays: list[str] = []
    with ExitStack() as keys:
        if accounts(loaded):
            minted, named = list[Loaded](), accounts(loaded)
            making = looking(loaded, "validate", stays.append)
            yield attempt("service account", lambda: _mint(keys.enter_context(making), minted, named))
            if not minted:
                return
            loaded = minted[0]
        yield from _Kafka(loaded, org.id).checks()
        yield from Registering(loaded, org.events, org.contracts).checks()
    for text in stays:
        yield Check("service account", None, text)


def _mint(keyed: Loaded, minted: list[Loaded], named: list[str]) -> str:
    minted.append(keyed)
    return f"keys for {' and '.join(named)} can be made"


@define
class _Org:
    loaded: Loaded
    id: str | None = None
    rest: Any = None
    described: dict[str, Any] = field(factory=dict)
    contracts: dict[str, Contract] = field(factory=dict)
    events: dict[str, EventType | None] = field(factory=dict)

    def checks(self) -> Iterator[Check]:
        login = Login(self.loaded.connector)
        self.rest = open_rest(self.loaded.connector, login)
        logged_in = attempt("salesforce login", lambda: self._login(login))
        yield logged_in
        if not logged_in.ok:
            for name in ("event", "fields", "subscription"):
                yield Check(name, None, "not asked, because the login failed")
            return
        check = attempt("event", self._event)
        yield check
        for name in self.described:
            yield attempt("fields", lambda name=name: self._fields(name))  # type: ignore[misc]
        if check.ok:
            yield attempt("subscription", lambda: self._subscription(login))
            with suppress(BridgeError):  # which the checks have told
                self.id = login.session().org_id  # now: a token of before may have been refused meanwhile
        else:
            yield Check("fields", None, "not asked, because the event was not found")
            yield Check("subscription", None, "not asked, because the event was not found")

    def _login(self, login: Any) -> str:
        session = login.session()
        if not quoting():
            return f"the login is accepted by {self.loaded.connector['salesforce.instance']}"
        return f"org {session.org_id} at {session.instance_url}, API {self.rest.api_version()}"

    def _event(self) -> str:
        described = {name: self.rest.describe(name) for name in subscription.events(self.loaded.connector)}
        self.described = described
        if not described:
            return f"all that {subscription.channel(self.loaded.connector)} delivers"
        return ", ".join(
            f"{name} has {len(each.get('fields', ()))} fields" for name, each in described.items()
        )

    def _fields(self, name: str) -> str:
        """Whether the event has every field that somebody names, and how its fields are classified is known."""
        config = self.loaded.connector
        self.events[name] = None
        self.contracts = load_contracts(subscription.events(config), config.get("bridge.schema.contract"))
        types = EventTypes(
            subscription.events(config),
            self.rest,
            self.contracts,
            for_connector(config.name).warning,
            protecting=bool(config.get("csfle.enabled")),
            full_header=config.get("bridge.cdc.header") == "full",
        )
        self.events[name] = event = types.today(name, self.rest.event_schema_of(name))
        names = [each.get("name") for each in self.described[name].get("fields", ())]
        faults = faults_of(config, event, names, self.contracts.get(name))
        if faults:
            raise ConfigurationError(faults)
        return f"{name} has every field that the configuration names"

    def _subscription(self, login: Any) -> str:
        connector = self.loaded.connector
        try_subscription(connector, login, self.rest)
        return f"{subscription.channel(connector)} can be subscribed to"


@define
class _Kafka:
    loaded: Loaded
    org_id: str | None = None
    cluster: Cluster | None = None
    is_mock: bool = False

    def checks(self) -> Iterator[Check]:
        try:
            reached = attempt("kafka", self._reach)
            yield reached
            for name, check in (
                ("group", self._group),
                ("output topic", self._output),
                ("offsets topic", self._offsets),
                ("exactly-once", self._transactions),
                ("dead-letter topic", self._dead_letters),
            ):
                if self.is_mock:
                    yield Check(
                        name, None, "not asked, because an in-process mock of Kafka does not answer it"
                    )
                elif reached.ok and self.cluster is not None:
                    yield attempt(name, lambda check=check: check(self.cluster))  # type: ignore[misc]
                else:
                    yield Check(name, None, "not asked, because Kafka was not reached")
        finally:
            if self.cluster is not None:
                self.cluster.close()

    def _reach(self) -> str:
        self.cluster = Cluster(admin_settings(self.loaded), stopped=lambda: True)
        self.is_mock = self.cluster.is_mock()
        if self.is_mock:
            return "the sandbox's in-process mock of Kafka"
        return f"{self.cluster.brokers()} brokers"

    def _group(self, cluster: Cluster) -> str:
        admin.check_group(cluster, self.loaded.worker)
        return f"{self.loaded.worker['group.id']} is not in use by Kafka Connect, as far as may be seen"

    def _output(self, cluster: Cluster) -> str:
        names = admin.output_topics(self.loaded.connector)
        if not names:
            return "depends on the event, and cannot be looked up beforehand"
        return "; ".join(self._topic(cluster, name) for name in names)

    def _topic(self, cluster: Cluster, name: str) -> str:
        topic = cluster.topic(name)
        if topic is None and admin.may_create(self.loaded):
            return f"{name} does not exist yet and is created when the connector starts"
        if topic is None:
            raise Fatal(admin.missing_topic(cluster, self.loaded, name), stage=Stage.PRODUCE)
        limit = admin.within_producer(self.loaded, self._checked(cluster, topic))
        return f"{name} has {topic.partitions} partitions and takes values of up to {limit} bytes"

    def _checked(self, cluster: Cluster, topic: Topic) -> int:
        return admin.check_output_topic(cluster, topic, keyed=admin.makes_keys(self.loaded.connector))

    def _offsets(self, cluster: Cluster) -> str:
        name = str(self.loaded.worker["offset.storage.topic"])
        topic = cluster.topic(name)
        if topic is None:
            return f"{name} does not exist yet and is created when the connector starts"
        admin.check_offsets_topic(cluster, topic)
        return f"{name} is compacted{self._position(topic)}"

    def _position(self, topic: Topic) -> str:
        """What is stored, which has to be of the org that the login is to. Says so where it is not known in time."""
        until = time.monotonic() + _POSITION
        try:
            position = read_position(
                consumer_settings(self.loaded),
                topic.name,
                self.loaded.connector.name,
                identity=topic.id,
                stopped=lambda: time.monotonic() > until,
            )
        except NotRead:
            return f"; the position could not be read within {_POSITION:.0f} s"
        if self.org_id is not None:
            check_org(position, self.org_id, told=quoting())
        return "" if position.replay_id is None else f", and the position is replay id {position.replay_id}"

    def _transactions(self, cluster: Cluster) -> str:
        if not exactly_once(self.loaded):
            return "off: exactly.once.source.support says so, and events may be doubled after a failure"
        admin.check_transaction_timeout(cluster, self.loaded)
        probe = f"{transactional_id(self.loaded)}-validate"
        _try_transactions(self.loaded, probe)
        return f"transactional id {probe} may be used (tried instead of the connector's own)"

    def _dead_letters(self, cluster: Cluster) -> str:
        name = str(self.loaded.connector.get("errors.deadletterqueue.topic.name") or "")
        if not name:
            return "none is named"
        topic = cluster.topic(name)
        if topic is None:
            return f"{name} does not exist yet and is created when the connector starts"
        admin.check_output_topic(cluster, topic)
        return f"{name} can be written to"


def _try_transactions(loaded: Loaded, probe: str) -> None:
    """Initialise transactions under an id of its own; nothing is begun."""
    from confluent_kafka import KafkaException, Producer

    watch = ErrorWatch()
    config: dict[str, Any] = {**producer_settings(loaded), "transactional.id": probe, "error_cb": watch}
    producer = Producer(config)
    watch.serve = producer.poll
    try:
        producer.init_transactions(KAFKA_REQUEST.longest)
    except KafkaException as error:
        reason = watch.explain(error, f"trying transactional id {probe}")
        if error.args[0].name() == "TRANSACTIONAL_ID_AUTHORIZATION_FAILED":
            reason = Fatal(
                f"{reason.message} (an ACL for {transactional_id(loaded)} alone is enough to run, and cannot be "
                "tried without fencing a running connector)",
                stage=Stage.PRODUCE,
            )
        raise reason from error
    finally:
        watch.serve = None  # client and watch refer to each other
