"""What can only be known by asking: login, event, brokers, topics, rights, registry. Changes nothing anywhere.

One check at a time, each a sentence. What depends on something that failed is not asked and says so (``ok`` is
None). A transactional id of its own is tried, never the connector's: that would fence a running connector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from attrs import define, evolve, field, frozen

from bridge.config import Loaded, registry_settings, subscription, topic_template
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.errors import BridgeError, ConfigurationError, Fatal, Stage
from bridge.errors.words import quoting, words
from bridge.formats import form_of
from bridge.inspection.alike import alike
from bridge.inspection.key_check import try_keys
from bridge.kafka import admin
from bridge.kafka.cluster import Cluster
from bridge.kafka.errors import ErrorWatch
from bridge.kafka.service_account import looking
from bridge.kafka.settings import admin_settings, exactly_once, producer_settings, transactional_id
from bridge.languages.traits import traits_of
from bridge.metadata.infer import event_type, record_schema
from bridge.model.schema import Schema
from bridge.registry.client import Registry
from bridge.registry.http import Refused, http_of
from bridge.routing.planning import Ways, intend
from bridge.salesforce.auth import Login
from bridge.salesforce.transport import open_rest, try_subscription
from bridge.waits import KAFKA_REQUEST


@frozen
class Check:
    """One thing tried: its name, whether it went well (None: could not be told), and what was found."""

    name: str
    ok: bool | None
    message: str


def checks(loaded: Loaded) -> Iterator[Check]:
    """Every check, as each ends."""
    org = _Org(loaded)
    yield from org.checks()
    stays: list[str] = []
    with ExitStack() as keys:
        if loaded.connector["kafka.auth.mode"] == "SERVICE_ACCOUNT":
            minted: list[Loaded] = []
            making = looking(loaded, "validate", stays.append)
            yield _attempt("service account", lambda: _mint(keys.enter_context(making), minted))
            if not minted:
                return
            loaded = minted[0]
        yield from _Kafka(loaded).checks()
        yield from _Registry(loaded, org).checks()
    for text in stays:
        yield Check("service account", None, text)


def _mint(keyed: Loaded, minted: list[Loaded]) -> str:
    minted.append(keyed)
    return f"keys for {keyed.connector['kafka.service.account.id']} can be made"


def _attempt(name: str, check: Callable[[], str]) -> Check:
    """The check's own sentence, or the error's."""
    try:
        return Check(name, True, check())
    except ConfigurationError as error:
        return Check(name, False, "; ".join(f"{fault.key}: {fault.message}" for fault in error.faults))
    except BridgeError as error:
        return Check(name, False, error.message)


@define
class _Org:
    loaded: Loaded
    rest: Any = None
    described: dict[str, Any] = field(factory=dict)

    def checks(self) -> Iterator[Check]:
        login = Login(self.loaded.connector)
        self.rest = open_rest(self.loaded.connector, login)
        logged_in = _attempt("salesforce login", lambda: self._login(login))
        yield logged_in
        if not logged_in.ok:
            for name in ("event", "subscription"):
                yield Check(name, None, "not asked, because the login failed")
            return
        check = _attempt("event", self._event)
        yield check
        if check.ok:
            yield _attempt("subscription", lambda: self._subscription(login))
        else:
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

    def _subscription(self, login: Any) -> str:
        connector = self.loaded.connector
        try_subscription(connector, login, self.rest)
        return f"{subscription.channel(connector)} can be subscribed to"


@define
class _Kafka:
    loaded: Loaded
    cluster: Cluster | None = None
    is_mock: bool = False

    def checks(self) -> Iterator[Check]:
        try:
            reached = _attempt("kafka", self._reach)
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
                    yield _attempt(name, lambda check=check: check(self.cluster))  # type: ignore[misc]
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
        limit = admin.within_producer(self.loaded, admin.check_output_topic(cluster, topic))
        return f"{name} has {topic.partitions} partitions and takes values of up to {limit} bytes"

    def _offsets(self, cluster: Cluster) -> str:
        name = str(self.loaded.worker["offset.storage.topic"])
        topic = cluster.topic(name)
        if topic is None:
            return f"{name} does not exist yet and is created when the connector starts"
        admin.check_offsets_topic(cluster, topic)
        return f"{name} is compacted"

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


@define
class _Registry:
    loaded: Loaded
    org: _Org

    def checks(self) -> Iterator[Check]:
        form = form_of(self.loaded.connector["output.data.format"])
        if form.NAME not in REGISTRY_TYPES:
            yield Check("schema registry", True, f"not needed for {form.NAME}")
            return
        yield _attempt("schema registry", self._reach)
        if not self.org.described:
            yield Check("schema", None, "not asked, because the event was not found")
        else:
            for event in self.org.described:
                yield _attempt("schema", lambda event=event: self._schema(event))  # type: ignore[misc]
        if self.loaded.connector["csfle.enabled"]:
            for event in self.org.described:
                yield _attempt("keys", lambda event=event: self._keys(event))  # type: ignore[misc]

    def _keys(self, name: str) -> str:
        """Whether the rules can be run and their KMS keys used. Registers nothing."""
        ways = self._ways()
        described, present = self.org.described[name], self.org.rest.event_schema_of(name)
        schema = record_schema(event_type(name, described, present))
        subject = self._subject(ways, name, schema)
        latest = None if subject is None else Registry(self._http()).latest(subject)
        return try_keys(self.loaded, self._http(), name, schema, latest)

    def _http(self) -> Any:
        settings = registry_settings(self.loaded.connector, self.loaded.worker)
        egress = self.loaded.connector.egress
        return http_of(settings, retry_seconds=3, longest_wait=1, egress=egress)

    def _reach(self) -> str:
        self._call("/subjects?subjectPrefix=none")
        return f"{', '.join(address.shown for address in self._http().addresses)} answers"

    def _schema(self, name: str) -> str:
        """Whether the event's schema is there, or could be registered."""
        ways = evolve(self._ways(), encrypts=False)  # keys are another check
        described, present = self.org.described[name], self.org.rest.event_schema_of(name)
        schema = record_schema(event_type(name, described, present))
        return "; ".join([self._registered(ways, name, schema), *alike(schema, ways.type)])

    def _registered(self, ways: Ways, name: str, schema: Schema) -> str:
        subject = self._subject(ways, name, schema)
        if subject is None:
            return "the subject depends on the event, and cannot be looked up beforehand"
        registry = Registry(self._http())
        latest = registry.latest(subject)
        if latest is None:
            self._may_register(subject, ways.auto, f"the subject {subject} has no schema")
            return f"{subject} has no schema yet; one is registered when the first event comes"
        plan = intend(ways, subject, latest, schema)
        strict = ""
        if traits_of(latest.type).strict and registry.config(subject).get("compatibilityPolicy") != "LENIENT":
            strict = (
                "; its compatibilityPolicy is not LENIENT, so that a field added to the event will be refused"
            )
        if not plan.lacking:
            return f"{subject} version {latest.version} covers the event{strict}"
        difference = f"{subject} version {latest.version} lacks {', '.join(plan.lacking)}"
        self._may_register(subject, ways.auto, difference)
        fits, why = registry.compatible(subject, plan.wanted.text, latest.type)
        if not fits:
            raise Fatal(
                f"{difference}, and adding that is incompatible: {'; '.join(why)}", stage=Stage.SCHEMA
            )
        return f"{difference}; a compatible version with it is registered when the first event comes"

    def _ways(self) -> Ways:
        connector = self.loaded.connector
        return Ways.of(connector, connector.prefixed("value.converter."))

    def _subject(self, ways: Ways, event: str, schema: Schema) -> str | None:
        template = topic_template(self.loaded.connector)
        is_fixed = set(template.fields) <= {"_ObjectType"}
        return ways.subject(schema, template.fill(lambda _: event) if is_fixed else None)

    def _may_register(self, subject: str, auto: bool, reason: str) -> None:
        from urllib.parse import quote

        if not auto:
            raise Fatal(
                f"{reason}, and value.converter.auto.register.schemas is false; register one, or let the "
                "connector do it",
                stage=Stage.SCHEMA,
            )
        mode = (self._call(f"/mode/{quote(subject, safe='')}?defaultToGlobal=true") or {}).get("mode")
        if mode in ("READONLY", "READONLY_OVERRIDE"):
            raise Fatal(
                f"{reason}, and the registry takes no new one for it (mode {mode}); set its mode to READWRITE",
                stage=Stage.SCHEMA,
            )

    def _call(self, path: str) -> Any:
        """The answer; None where this registry does not know the question."""
        try:
            return self._http().call("GET", path)
        except Refused as refusal:
            if refusal.status in (404, 405):
                return None
            raise Fatal(
                f"the registry refused ({refusal.status}): {words(refusal)}", stage=Stage.SCHEMA
            ) from None
