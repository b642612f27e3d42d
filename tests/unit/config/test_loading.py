"""Loading a connector with its worker: the example as it is, every rule, all faults at once."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import Loaded, config_of, connector_config, load, load_connector, load_worker
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.errors import ConfigurationError, Fault
from bridge.salesforce.keymaker import make_pair
from tests.unit.config.samples import EXAMPLE, PLAIN, REGISTRY, SECRETS, VALID, write

Faults = Callable[..., dict[str, str]]
Load = Callable[..., Loaded]


# ---- the example, and what comes out ---------------------------------------------------------------------


def test_the_example_as_printed_names_each_placeholder_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(*write(tmp_path, EXAMPLE), environ={})
    assert {f.key for f in error.value.faults} == {*SECRETS, "salesforce.username"}
    assert all(f.value is None for f in error.value.faults if f.key in SECRETS)
    assert "<my-username>" in error.value.message


def test_the_example_with_its_placeholders_filled_in_is_valid(loading: Load) -> None:
    loaded = loading()
    connector, worker = loaded.connector, loaded.worker
    assert connector.name == "SalesforcePlatformEventSource_0"
    assert connector["kafka.topic"] == "testplatformevent"
    assert connector["tasks.max"] == 1
    assert connector["connection.timeout"] == 30000
    assert connector["kafka.topic.lowercase"] is True
    assert connector["transforms"] == []
    assert connector["salesforce.version"] == "latest"
    assert connector["http.proxy"] is None
    assert connector.given("tasks.max")
    assert not connector.given("connection.timeout")
    assert worker["group.id"] == "sfbridge"
    assert worker["offset.storage.topic"] == "sfbridge-offsets"
    assert worker["exactly.once.source.support"] == "enabled"
    assert loaded.notices == ()


@pytest.mark.parametrize("form", ["flat", "wrapped", "properties"])
def test_both_files_in_every_form(form: str, tmp_path: Path) -> None:
    path = tmp_path / ("c.properties" if form == "properties" else "c.json")
    if form == "properties":
        path.write_text("".join(f"{key} = {value}\n" for key, value in VALID.items()))
    else:
        path.write_text(json.dumps(VALID if form == "flat" else {"name": VALID["name"], "config": VALID}))
    worker = tmp_path / "w.properties"
    worker.write_text("bootstrap.servers=b:9092\ngroup.id=a-group\n")
    loaded = load(path, worker, environ={})
    assert dict(loaded.connector.raw()) == VALID
    assert loaded.worker["status.storage.topic"] == "a-group-status"


def test_a_configuration_is_immutable_and_shows_no_value(loading: Load) -> None:
    connector = loading().connector
    with pytest.raises(TypeError):
        connector["name"] = "x"  # type: ignore[index]
    assert "the-" not in repr(connector)
    assert "the-" not in repr(loading())


def test_keys_below_a_prefix(loading: Load) -> None:
    connector = loading(
        {"producer.override.linger.ms": "7", "producer.override.compression.type": "lz4"}
    ).connector
    assert connector.prefixed("producer.override.") == {"linger.ms": "7", "compression.type": "lz4"}
    assert connector["producer.override.linger.ms"] == "7"


def test_every_declared_property_has_a_value(loading: Load) -> None:
    loaded = loading()
    assert {p.key for p in CONNECTOR.exact()} <= set(loaded.connector)
    assert {p.key for p in WORKER.exact()} <= set(loaded.worker)


# ---- all at once -----------------------------------------------------------------------------------------


def test_a_configuration_with_ten_faults_shows_ten(faults: Faults) -> None:
    wrong = {
        "name": "x" * 65,
        "kafka.topic": "not a topic",
        "kafka.api.secret": None,
        "salesforce.password": "********",
        "salesforce.username": "<your name>",
        "connection.timeout": "4999",
        "request.max.retries.time.ms": "soon",
        "output.data.format": "XML",
        "tasks.max": "2",
        "salesforce.initial.strat": "all",
    }
    assert set(faults(wrong)) == set(wrong)


def test_faults_of_both_files_come_together_and_the_workers_name_their_file(faults: Faults) -> None:
    found = faults({"tasks.max": "0"}, worker={"bootstrap.servers": "nonsense", "grup.id": "g"})
    assert set(found) == {"tasks.max", "bootstrap.servers", "grup.id"}
    assert "(in worker.properties)" in found["grup.id"]
    assert "did you mean group.id?" in found["grup.id"]
    assert "worker" not in found["tasks.max"]


def test_two_unreadable_files_are_two_faults(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path / "c.json", tmp_path / "w.properties", environ={})
    assert [f.message for f in error.value.faults] == ["does not exist", "does not exist"]


def test_a_fault_of_the_worker_is_not_counted_again_for_the_connector(faults: Faults) -> None:
    assert set(faults(NO_KEYS, worker={"bootstrap.servers": "x", "security.protocol": "TLS"})) == {
        "bootstrap.servers",
        "security.protocol",
    }


# ---- single values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("connection.timeout", "4999", "5000"),
        ("connection.timeout", "600001", "600000"),
        ("request.max.retries.time.ms", "999", "1000 to 250000"),
        ("request.max.retries.time.ms", "250001", "250000"),
        ("tasks.max", "2", "1"),
        ("tasks.max", "one", "whole number"),
        ("tasks.max", "99999999999", "32 bits"),
        ("kafka.topic.lowercase", "yes", "true nor false"),
        ("name", "a\nb", "control"),
        ("kafka.topic", "a" * 250, "249"),
        ("kafka.topic", "..", "'..'"),
        ("kafka.topic", "${}", "field"),
        ("salesforce.instance", "http://example.com", "loopback"),
        ("salesforce.instance", "https://a.b/services?x=1", "host"),
        ("salesforce.instance", "https://u:p@a.b", "password"),
        ("salesforce.instance", "login.salesforce.com", "https://"),
        ("salesforce.instance", "https://[", "URL"),
        ("salesforce.platform.event.name", "/event/A__e", "channel"),
        ("salesforce.platform.event.name", "A b", "API name"),
        ("salesforce.version", "now", "66.0"),
        ("salesforce.jwt.keystore.file", "data:text/plain;base64,%%%", "base64"),
        ("salesforce.jwt.keystore.file", "data:text/plain;base64,", "empty"),
        ("salesforce.jwt.keystore.path", "/does/not/exist.jks", "not exist"),
        ("http.proxy", "proxy", "host:port"),
        ("kafka.endpoint", "SASL_SSL://broker", "host:port"),
        ("errors.tolerance", "some", "none, all"),
        ("connector.class", "Sink", "SalesforcePlatformEventSource"),
        ("bridge.commit.interval.ms", "0", "1"),
    ],
)
def test_a_value_that_is_wrong_is_named_with_what_is_allowed(
    key: str, value: str, part: str, faults: Faults
) -> None:
    found = faults({key: value})
    assert set(found) == {key}
    assert part in found[key]


@pytest.mark.parametrize(
    ("key", "value", "typed"),
    [
        ("connector.class", "io.confluent.salesforce.SalesforcePlatformEventSourceConnector", None),
        ("kafka.topic", "events-${_ObjectType}-${Region__c}", None),
        ("salesforce.instance", "http://127.0.0.1:8443", None),
        ("salesforce.instance", "http://localhost:8443/", None),
        ("salesforce.instance", "http://[::1]:8443", None),
        ("salesforce.instance", "https://acme--dev.sandbox.my.salesforce.com", None),
        ("connection.timeout", " 600000 ", 600000),
        ("kafka.topic.lowercase", "FALSE", False),
        ("output.data.format", "json", "JSON"),
        ("invalid.replay.id.behaviour", "fail", None),
        ("salesforce.version", "v62.0", None),
        ("http.proxy", "proxy.example.com:3128", None),
        ("http.proxy", "http://user:secret@proxy.example.com:3128", None),
        ("value.converter.value.subject.name.strategy",
         "io.confluent.kafka.serializers.subject.RecordNameStrategy", "RecordNameStrategy"),
        ("connection.timeout", "", 30000),
        ("errors.retry.timeout", "-1", -1),
    ],
)  # fmt: skip
def test_a_value_that_is_right(key: str, value: str, typed: object, loading: Load) -> None:
    assert loading({key: value}).connector[key] == (value if typed is None else typed)


def test_scalars_need_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(
        json.dumps(VALID | {"tasks.max": 1, "kafka.topic.lowercase": False, "connection.timeout": 5000})
    )
    config = load_connector(path, environ={})
    assert (config["tasks.max"], config["kafka.topic.lowercase"], config["connection.timeout"]) == (
        1,
        False,
        5000,
    )


# ---- unknown, masked, ignored ----------------------------------------------------------------------------


def test_an_unknown_key_is_an_error_with_the_nearest_known_one_and_never_shows_its_value(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(*write(tmp_path, VALID | {"salesforce.pasword": "hunter2"}), environ={})
    (fault,) = error.value.faults
    assert "did you mean salesforce.password?" in fault.message
    assert fault.value is None
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("where", ["connector", "worker"])
def test_unknown_keys_may_be_notices(where: str, loading: Load) -> None:
    switch = {"bridge.config.unknown": "warn"}
    loaded = loading(
        {"no.such": "1", **(switch if where == "connector" else {})},
        worker=WORKER_FILE | (switch if where == "worker" else {}),
    )
    assert any("no.such" in notice for notice in loaded.notices)
    assert loaded.connector.given("no.such")


WORKER_FILE = {"bootstrap.servers": "broker:9092"}


@pytest.mark.parametrize("value", ["****", "**************", "[hidden]", " ******** "])
@pytest.mark.parametrize("key", ["salesforce.password", "salesforce.username"])
def test_masked_values_are_refused(key: str, value: str, faults: Faults) -> None:
    assert "masked" in faults({key: value})[key]


@pytest.mark.parametrize(
    ("key", "value"),
    [("salesforce.password", "<password>"), ("salesforce.instance", "https://<domain>.my.example")],
)
def test_placeholders_are_refused(key: str, value: str, faults: Faults) -> None:
    assert "placeholder" in faults({key: value})[key]


def test_a_password_may_look_odd(loading: Load) -> None:
    for password in ("a<b>c", "***", "*" * 20 + "x", "$ecret{}"):
        assert loading({"salesforce.password": password}).connector["salesforce.password"] == password


def test_what_is_known_and_not_needed_is_one_notice(loading: Load) -> None:
    extra = {
        "cloud.environment": "prod",
        "cloud.provider": "aws",
        "kafka.region": "eu-west-1",
        "kafka.dedicated": "no?",
        "valid.kafka.api.key": "true",
        "confluent.license": "",
        "confluent.topic.bootstrap.servers": "b:1",
    }
    (notice,) = loading(extra).notices
    assert all(key in notice for key in extra)


# ---- logins ----------------------------------------------------------------------------------------------

KEYSTORE = "data:text/plain;base64," + base64.b64encode(make_pair("test", 30, "p", "key")[0]).decode()
NO_PASSWORD = {"salesforce.password": None, "salesforce.password.token": None}
NO_SECRETS = {**NO_PASSWORD, "salesforce.username": None, "salesforce.consumer.key": None,
              "salesforce.consumer.secret": None}  # fmt: skip


@pytest.mark.parametrize(
    ("grant", "needed"),
    [
        ("PASSWORD", ["username", "password", "password.token", "consumer.key", "consumer.secret"]),
        ("JWT_BEARER", ["username", "consumer.key", "jwt.keystore.file", "jwt.keystore.password"]),
        ("CLIENT_CREDENTIALS", ["consumer.key", "consumer.secret", "instance"]),
        ("OAUTH2_AUTH_CODE_BYOA", ["consumer.key", "consumer.secret"]),
    ],
)
def test_what_each_grant_type_needs(grant: str, needed: list[str], faults: Faults) -> None:
    more = {"oauth.refresh.token"} if grant.startswith("OAUTH2") else set()
    found = faults({"salesforce.grant.type": grant, **NO_SECRETS})
    assert set(found) == {f"salesforce.{name}" for name in needed} | more


def test_grants_with_what_they_need(loading: Load, tmp_path: Path) -> None:
    store = tmp_path / "keys.p12"
    store.write_bytes(base64.b64decode(KEYSTORE.partition(",")[2]))
    jwt = {"salesforce.grant.type": "JWT_BEARER", "salesforce.jwt.keystore.password": "p", **NO_PASSWORD}
    loading({**jwt, "salesforce.jwt.keystore.file": KEYSTORE})
    loading({**jwt, "salesforce.jwt.keystore.file": KEYSTORE.replace(";base64", ":base64")})
    loading({**jwt, "salesforce.jwt.keystore.path": str(store)})
    credentials = {
        "salesforce.grant.type": "CLIENT_CREDENTIALS",
        "salesforce.instance": "https://acme.my.salesforce.com",
    }
    loading({**credentials, **NO_PASSWORD, "salesforce.username": None})
    loading({"salesforce.grant.type": "OAUTH2_AUTH_CODE_BYOA", "oauth.refresh.token": "r", **NO_PASSWORD})


def test_a_keystore_comes_from_one_place(faults: Faults, tmp_path: Path) -> None:
    store = tmp_path / "keys.p12"
    store.write_bytes(b"x")
    both = {"salesforce.jwt.keystore.file": KEYSTORE, "salesforce.jwt.keystore.path": str(store)}
    assert "together" in faults(both)["salesforce.jwt.keystore.path"]


def test_the_password_token_may_be_explicitly_empty(loading: Load, faults: Faults) -> None:
    assert loading({"salesforce.password.token": ""}).connector["salesforce.password.token"] == ""
    assert "empty string" in faults({"salesforce.password.token": None})["salesforce.password.token"]
    assert "salesforce.password" in faults({"salesforce.password": ""})


def test_the_keystore_is_opened_before_anything_is_tried(faults: Faults) -> None:
    jwt = {"salesforce.grant.type": "JWT_BEARER", "salesforce.jwt.keystore.file": KEYSTORE, **NO_PASSWORD}
    assert set(faults({**jwt, "salesforce.jwt.keystore.password": "wrong"})) == {
        "salesforce.jwt.keystore.password"
    }
    broken = {**jwt, "salesforce.jwt.keystore.file": "data:text/plain;base64,AAAA"}
    assert set(faults({**broken, "salesforce.jwt.keystore.password": "p"})) == {
        "salesforce.jwt.keystore.file"
    }
    example = Path(__file__).parents[3] / "keys-example" / "salesforce-jwt.p12"
    ours = {**jwt, "salesforce.jwt.keystore.file": None, "salesforce.jwt.keystore.path": str(example)}
    password = {"salesforce.jwt.keystore.password": "example-only"}
    assert set(faults({**ours, **password})) == {"salesforce.jwt.keystore.path"}
    assert faults({**ours, **password, "bridge.allow.example.keys": "true"}) == {}


def test_proxies(faults: Faults) -> None:
    proxy = {"http.proxy": "proxy:3128", "http.proxy.auth.scheme": "BASIC"}
    assert set(faults(proxy)) == {"http.proxy.user"}
    assert faults({**proxy, "http.proxy.user": "u", "http.proxy.password": "p"}) == {}
    assert set(faults({"http.proxy": "https://proxy:3128"})) == {"http.proxy"}


def test_the_contract_is_read(faults: Faults, tmp_path: Path) -> None:
    contract = tmp_path / "TestEvent__e.contract.yaml"
    named = {"bridge.schema.contract": str(contract)}
    contract.write_text("event: TestEvent__e\nfields:\n  Email__c: {tags: [PII]}\n")
    assert faults(named) == {}
    contract.write_text("event: Other__e\n")
    assert "Other__e" in faults(named)["bridge.schema.contract"]
    contract.write_text("event: [")
    assert len(faults(named)) == 1


def test_registry_credentials_are_named_as_they_are_given(faults: Faults) -> None:
    avro = {"output.data.format": "AVRO"}
    inherit = {"value.converter.basic.auth.credentials.source": "SASL_INHERIT"}
    assert set(faults({**avro, **inherit}, worker=REGISTRY)) == set(inherit)
    oauth = {"schema.registry.bearer.auth.credentials.source": "OAUTHBEARER"}
    found = faults(avro, worker=REGISTRY | oauth)
    assert set(found) == set(oauth)
    assert "(in worker.properties)" in found["schema.registry.bearer.auth.credentials.source"]
    assert faults(worker=REGISTRY | oauth) == {}, "JSON needs no registry"


def test_an_unknown_grant_type_hides_no_other_fault_and_invents_none(faults: Faults) -> None:
    assert set(faults({"salesforce.grant.type": "MAGIC", "salesforce.password": None})) == {
        "salesforce.grant.type"
    }


# ---- Kafka -----------------------------------------------------------------------------------------------

NO_KEYS = {"kafka.api.key": None, "kafka.api.secret": None}


def test_api_keys_are_needed_unless_the_worker_reaches_kafka_without(faults: Faults) -> None:
    jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";'
    assert set(faults(NO_KEYS)) == set(NO_KEYS)
    assert set(faults(NO_KEYS, worker=WORKER_FILE | {"security.protocol": "SASL_SSL"})) == set(NO_KEYS)
    assert faults(NO_KEYS, worker=PLAIN) == {}
    assert faults(NO_KEYS, worker=WORKER_FILE | {"security.protocol": "SSL"}) == {}
    assert faults(NO_KEYS, worker=WORKER_FILE | {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN",
                                                 "sasl.jaas.config": jaas}) == {}  # fmt: skip
    assert set(faults({"kafka.api.secret": None})) == {"kafka.api.secret"}


def test_the_self_managed_connector_has_no_api_keys(faults: Faults) -> None:
    own = {"connector.class": "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"}
    assert faults({**own, **NO_KEYS, "kafka.auth.mode": None}) == {}
    assert set(faults({**own, **NO_KEYS})) == set(NO_KEYS)


def test_unused_api_keys_are_one_notice(loading: Load) -> None:
    (notice,) = loading(worker=PLAIN).notices
    assert "kafka.api.key" in notice
    assert "PLAINTEXT" in notice


def test_service_accounts_are_refused_with_the_alternative(faults: Faults) -> None:
    found = faults({"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": "sa-1", **NO_KEYS})
    assert set(found) == {"kafka.auth.mode"}
    assert "KAFKA_API_KEY" in found["kafka.auth.mode"]


def test_without_a_worker_the_connectors_endpoint_counts(tmp_path: Path) -> None:
    connector, _ = write(tmp_path, VALID)
    with pytest.raises(ConfigurationError, match=r"bootstrap\.servers: is required"):
        load(connector, None, environ={})
    connector, _ = write(tmp_path, VALID | {"kafka.endpoint": "SASL_SSL://pkc-1.example.com:9092"})
    loaded = load(connector, None, environ={})
    assert loaded.worker["group.id"] == "sfbridge"
    assert loaded.worker["bootstrap.servers"] is None


def test_the_kafka_clients_settings_are_judged_too(faults: Faults) -> None:
    found = faults({"producer.override.acks": "0"}, worker=WORKER_FILE | {"producer.lingr.ms": "5"})
    assert set(found) == {"producer.override.acks", "producer.lingr.ms"}
    assert "(in worker.properties)" in found["producer.lingr.ms"]


def test_exactly_once_can_be_demanded(faults: Faults) -> None:
    required = {"exactly.once.support": "required"}
    assert faults(required) == {}
    assert set(faults(required, worker=WORKER_FILE | {"exactly.once.source.support": "disabled"})) == set(
        required
    )


def test_state_topics_are_three(faults: Faults) -> None:
    same = {"offset.storage.topic": "state", "config.storage.topic": "state"}
    assert set(faults(worker=WORKER_FILE | same)) == {"config.storage.topic"}
    long = faults(worker=WORKER_FILE | {"group.id": "g" * 245})
    assert set(long) == {f"{kind}.storage.topic" for kind in ("offset", "config", "status")}
    assert "group.id" in long["offset.storage.topic"]


def test_topics_are_created_with_both_numbers(faults: Faults) -> None:
    one, other = "topic.creation.default.partitions", "topic.creation.default.replication.factor"
    assert set(faults({one: "3"})) == {other}
    assert set(faults({one: "0", other: "1"})) == {one}
    assert faults({one: "3", other: "-1", "topic.creation.default.retention.ms": "1000"}) == {}


def test_dead_letters_have_a_topic_of_their_own(faults: Faults, loading: Load) -> None:
    key = "errors.deadletterqueue.topic.name"
    assert set(faults({key: "testplatformevent", "errors.tolerance": "all"})) == {key}
    assert set(faults({"bridge.schema.on.incompatible": "dead_letter"})) == {key}
    assert "no effect" in loading({key: "dead"}).notices[0]
    assert loading({key: "dead", "errors.tolerance": "all"}).notices == ()


def test_lower_casing_is_said(loading: Load) -> None:
    (notice,) = loading({"kafka.topic": "Orders"}).notices
    assert "orders" in notice
    assert loading({"kafka.topic": "Orders", "kafka.topic.lowercase": "false"}).notices == ()


# ---- formats and converters ------------------------------------------------------------------------------

AVRO = "io.confluent.connect.avro.AvroConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"


def test_avro_needs_a_registry(faults: Faults, loading: Load) -> None:
    assert set(faults({"output.data.format": "AVRO"})) == {"schema.registry.url"}
    url = "http://registry:8081"
    for key in ("schema.registry.url", "value.converter.schema.registry.url"):
        assert faults({"output.data.format": "AVRO", key: url}) == {}
        assert faults({"output.data.format": "AVRO"}, worker=WORKER_FILE | {key: url}) == {}


def test_a_converter_must_not_contradict_the_format(faults: Faults) -> None:
    assert "contradicts" in faults({"value.converter": AVRO})["value.converter"]
    assert faults({"value.converter": JSON}) == {}
    assert faults({"value.converter": "AvroConverter", "output.data.format": "avro"}, worker=REGISTRY) == {}


def test_a_converter_decides_where_no_format_is_given(loading: Load, faults: Faults) -> None:
    no = {"output.data.format": None}
    assert loading({**no, "value.converter": AVRO}, worker=REGISTRY).connector["output.data.format"] == "AVRO"
    assert loading(no, worker=REGISTRY | {"value.converter": AVRO}).connector["output.data.format"] == "AVRO"
    assert loading(no).connector["output.data.format"] == "JSON"
    assert "enable" in str(faults({**no, "value.converter": JSON}))
    assert faults({**no, "value.converter": JSON, "value.converter.schemas.enable": "false"}) == {}
    assert "JSON_SR" in str(
        faults({**no, "value.converter": "io.confluent.connect.json.JsonSchemaConverter"})
    )
    assert set(faults({**no, "value.converter": "com.acme.Mine"})) == {"value.converter"}


def test_a_workers_converter_never_contradicts_a_connector(loading: Load) -> None:
    stock = {"key.converter": JSON, "value.converter": JSON, "key.converter.schemas.enable": "true",
             "value.converter.schemas.enable": "true"}  # fmt: skip
    loaded = loading({"output.data.format": "AVRO"}, worker=REGISTRY | stock)
    assert loaded.connector["output.data.format"] == "AVRO"
    assert loaded.connector["value.converter.schemas.enable"] is False
    string = {"value.converter": "org.apache.kafka.connect.storage.StringConverter"}
    (notice,) = loading({"output.data.format": None}, worker=WORKER_FILE | string).notices
    assert "JSON is written" in notice


@pytest.mark.parametrize("name", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_every_format_with_a_schema_needs_a_registry(name: str, faults: Faults, loading: Load) -> None:
    assert loading({"output.data.format": name}, worker=REGISTRY).connector["output.data.format"] == name
    assert "schema.registry.url" in faults({"output.data.format": name})


@pytest.mark.parametrize(
    ("name", "option", "value", "outcome"),
    [
        ("PROTOBUF", "wrapper.for.nullables", "true", ""),
        ("PROTOBUF", "optional.for.nullables", "true", ""),
        ("PROTOBUF", "scrub.invalid.names", "true", ""),
        ("PROTOBUF", "object.additional.properties", "false", "without effect for PROTOBUF"),
        ("PROTOBUF", "flatten.unions", "true", "without effect for PROTOBUF"),
        ("JSON_SR", "object.additional.properties", "false", ""),
        ("JSON_SR", "decimal.format", "NUMERIC", ""),
        ("JSON_SR", "json.schema.spec.version", "draft_2020_12", "without effect for JSON_SR"),
        ("JSON_SR", "wrapper.for.nullables", "true", "without effect for JSON_SR"),
    ],
)
def test_options_of_the_formats(name: str, option: str, value: str, outcome: str, loading: Load) -> None:
    key = f"value.converter.{option}"
    found = loading({"output.data.format": name, key: value}, worker=REGISTRY)
    assert [notice for notice in found.notices if key in notice] == ([f"{outcome}: {key}"] if outcome else [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("csfle.enabled", "true"),
        ("transaction.boundary", "interval"),
        ("offsets.storage.topic", "mine"),
        ("topic.creation.groups", "g"),
        ("value.converter.schemas.enable", "true"),
        ("http.proxy.auth.scheme", "NTLM"),
    ],
)
def test_what_is_not_supported_is_refused_unless_at_its_default(key: str, value: str, faults: Faults) -> None:
    assert list(faults({key: value})) == [key]
    assert faults({key: CONNECTOR.properties[key].default}) == {}


def test_options_of_converters(faults: Faults, loading: Load) -> None:
    avro = {"output.data.format": "AVRO"}
    header = {"value.converter.value.schema.id.serializer": "HeaderSchemaIdSerializer"}
    honoured = {"value.converter.connect.meta.data": "false", "value.converter.use.latest.version": "true"}
    assert set(faults({**avro, **header}, worker=REGISTRY)) == set(header)
    assert faults({**avro, **honoured}, worker=REGISTRY) == {}
    protobuf = {"value.converter.optional.for.nullables": "true"}
    (notice,) = loading({**avro, **protobuf}, worker=REGISTRY).notices
    assert "without effect for AVRO: value.converter.optional.for.nullables" in notice


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF", "JSON"])
def test_normalized_schemas_are_honoured_with_a_registry(faults: Faults, loading: Load, form: str) -> None:
    given = {"output.data.format": form, "value.converter.normalize.schemas": "true"}
    assert faults(given, worker=REGISTRY) == {}
    ignored = any("normalize.schemas" in notice for notice in loading(given, worker=REGISTRY).notices)
    assert ignored is (form == "JSON")


# ---- worker defaults, references, environment ------------------------------------------------------------


def test_a_workers_error_settings_are_its_connectors_defaults(loading: Load) -> None:
    worker = WORKER_FILE | {"errors.tolerance": "all", "errors.retry.timeout": "7"}
    connector = loading({"errors.retry.timeout": "9"}, worker=worker).connector
    assert connector["errors.tolerance"] == "all"
    assert not connector.given("errors.tolerance")
    assert connector["errors.retry.timeout"] == 9


def test_a_workers_default_that_is_wrong_is_the_workers_fault_alone(faults: Faults) -> None:
    wrong = {"errors.tolerance": "some", "errors.retry.timeout": "x", "bridge.config.unknown": "?"}
    assert set(faults(worker=WORKER_FILE | wrong)) == set(wrong)


def test_values_that_stand_elsewhere_in_both_files(loading: Load, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.properties"
    secrets.write_text("pass word=\\u0068unter2\n".replace("pass word", "password"))
    loaded = loading(
        {"salesforce.password": f"${{file:{secrets}:password}}", "kafka.topic": "a-${env:STAGE}-b"},
        worker={"bootstrap.servers": "${env:HOST}:${env:PORT}"},
        environ={"STAGE": "dev", "HOST": "h", "PORT": "9092"},
    )
    assert loaded.connector["salesforce.password"] == "hunter2"
    assert loaded.connector["kafka.topic"] == "a-dev-b"
    assert loaded.worker["bootstrap.servers"] == "h:9092"
    assert loaded.connector.raw()["kafka.topic"] == "a-dev-b"


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("${env:NOT_SET}", "NOT_SET"),
        ("${file:/does/not/exist:k}", "/does/not/exist"),
        ("${file:k}", "path"),
        ("${evn:X}", "evn"),
    ],
)
def test_a_reference_that_gives_nothing_names_the_property(value: str, part: str, faults: Faults) -> None:
    found = faults({"salesforce.password": value})
    assert set(found) == {"salesforce.password"}
    assert part in found["salesforce.password"]


def test_fields_in_the_topic_are_no_references(loading: Load) -> None:
    assert loading({"kafka.topic": "${_ObjectType}"}).connector["kafka.topic"] == "${_ObjectType}"


def test_config_providers_add_names(loading: Load, faults: Faults, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2\n")
    prefix = "org.apache.kafka.common.config.provider."
    worker = WORKER_FILE | {
        "config.providers": "dir",
        "config.providers.dir.class": prefix + "DirectoryConfigProvider",
    }
    loaded = loading({"salesforce.password": f"${{dir:{tmp_path}:pw}}"}, worker=worker)
    assert loaded.connector["salesforce.password"] == "hunter2"
    vault = WORKER_FILE | {"config.providers": "vault", "config.providers.vault.class": "com.acme.Vault"}
    assert set(faults(worker=vault)) == {"config.providers.vault.class"}


def test_a_reference_is_shown_as_written_and_its_value_never(tmp_path: Path) -> None:
    wrong = VALID | {"connection.timeout": "${env:SECRET}"}
    with pytest.raises(ConfigurationError) as error:
        load(*write(tmp_path, wrong), environ={"SECRET": "hunter2"})
    assert "hunter2" not in str(error.value)
    assert "${env:SECRET}" in str(error.value)
    assert "hunter2" not in repr(error.value.faults)


def test_the_environment_alone_makes_a_worker() -> None:
    worker = load_worker(
        None, environ={"CONNECT_BOOTSTRAP_SERVERS": "h:1", "CONNECT_GROUP_ID": "g", "PATH": "/bin"}
    )
    assert (worker["bootstrap.servers"], worker["config.storage.topic"]) == ("h:1", "g-configs")


def test_the_environment_goes_before_the_file_and_strangers_are_a_notice(loading: Load) -> None:
    loaded = loading(environ={"CONNECT_GROUP_ID": "g", "CONNECT_CUB_KAFKA_TIMEOUT": "3"})
    assert loaded.worker["group.id"] == "g"
    assert "CONNECT_cub.kafka.timeout" not in str(loaded.notices)
    assert "CONNECT_CUB_KAFKA_TIMEOUT" in str(loaded.notices)


def test_the_whole_text_in_one_variable() -> None:
    text = "bootstrap.servers=h:1\nssl.truststore.type=PEM\n"
    worker = load_worker(None, environ={"SFBRIDGE_WORKER_PROPERTIES": text})
    assert (worker["bootstrap.servers"], worker["ssl.truststore.type"]) == ("h:1", "PEM")
    with pytest.raises(ConfigurationError, match="SFBRIDGE_WORKER_PROPERTIES: is not JSON"):
        load_worker(None, environ={"SFBRIDGE_WORKER_PROPERTIES": "{"})


def test_a_worker_alone_shows_its_faults() -> None:
    environ = {"CONNECT_BOOTSTRAP_SERVERS": "nonsense", "CONNECT_SECURITY_PROTOCOL": "TLS"}
    with pytest.raises(ConfigurationError) as error:
        load_worker(None, environ=environ)
    assert {f.key for f in error.value.faults} == {"bootstrap.servers", "security.protocol"}
    assert "environment" in error.value.message


# ---- other ways in ---------------------------------------------------------------------------------------


def test_a_connector_alone_is_not_asked_about_its_worker(tmp_path: Path) -> None:
    connector, _ = write(tmp_path, {k: v for k, v in VALID.items() if not k.startswith("kafka.api")})
    assert load_connector(connector, environ={}).name == VALID["name"]
    with pytest.raises(ConfigurationError, match=r"bootstrap\.servers"):
        load_connector(connector, worker=load_worker(None, environ={}), environ={})


def test_properties_at_hand(tmp_path: Path) -> None:
    assert connector_config(VALID, environ={})["tasks.max"] == 1
    with pytest.raises(ConfigurationError):
        connector_config(EXAMPLE, environ={})
    assert config_of({"connection.timeout": "6000"})["connection.timeout"] == 6000
    assert config_of({})["name"] is None
    with pytest.raises(ConfigurationError):
        config_of({"connection.timeout": "1"})


def test_secrets_are_known_to_the_log_wherever_they_hide(loading: Load) -> None:
    jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="in-jaas";'
    loaded = loading(
        {**NO_KEYS, "http.proxy": "http://user:in-url@proxy:3128",
         "value.converter.basic.auth.user.info": "user:in-info"},
        worker=WORKER_FILE | {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas},
    )  # fmt: skip
    assert {"the-salesforce.password", "in-url", "in-info", "in-jaas"} <= loaded.secrets()
    assert "testplatformevent" not in loaded.secrets()


KEYS = st.sampled_from([p.key.rstrip("*") for p in CONNECTOR] + ["x", "producer.override.linger.ms"])
VALUES = st.one_of(
    st.text(max_size=12), st.sampled_from(["true", "JSON", "AVRO", "****", "${env:A}", "1", "-1", "<a>"])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(KEYS, VALUES, max_size=12),
    st.dictionaries(st.sampled_from(sorted(WORKER.properties)), VALUES),
)
def test_whatever_the_properties_are_it_is_a_configuration_or_its_faults(
    connector: dict[str, str], worker: dict[str, str]
) -> None:
    environ = {"SFBRIDGE_WORKER_PROPERTIES": json.dumps(worker), "A": "b"} if worker else {"A": "b"}
    judged = [faults_in(lambda: load_worker(None, environ=environ))]
    sound = load_worker(None, environ=environ if not judged[0] else {})
    for base in ({}, VALID):
        given = base | connector
        judged.append(faults_in(lambda given=given: connector_config(given, worker=sound, environ=environ)))
    for fault in (fault for faults in judged for fault in faults):
        assert fault.key
        assert fault.message
        assert "\n" not in fault.message


def faults_in(load_it: Callable[[], object]) -> tuple[Fault, ...]:
    try:
        load_it()
    except ConfigurationError as error:
        return error.faults
    return ()
