"""Loading a connector with its worker: the example as it is, every value, all faults at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import config_of, load_worker
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.errors import ConfigurationError, Fault
from bridge.inspection.configuration import connector_config, load, load_connector
from tests.unit.config.samples import EXAMPLE, NO_KEYS, SECRETS, VALID, Faults, Load, told, write
from tests.unit.config.samples import WORKER as WORKER_FILE

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
    assert told(loaded) == ()


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
        "connection.timeout": "0",
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
        ("connection.timeout", "0", "1"),
        ("bridge.record.key", "field:", "field:NAME"),
        ("schema.context.name", "a:b", "colon"),
        ("salesforce.platform.event.name", "Order_Placed", "Order_Placed__e"),
        ("salesforce.platform.event.name", "Order__c", "is Order__e meant?"),
        ("salesforce.platform.event.name", "Sales__chn", "salesforce.platform.custom.channel.name"),
        ("salesforce.platform.event.name", "AccountChangeEvent", "change event"),
        ("bridge.record.key", "record_id", "change events"),
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
        ("salesforce.platform.event.name", "BatchApexErrorEvent", None),
        ("schema.context.name", ":.crm:", None),
        ("salesforce.platform.event.name", "LoginEventStream", None),
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


SELF_MANAGED = {"connector.class": "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"}


def test_bounds_follow_the_class(faults: Faults) -> None:
    """The managed page bounds the retries and not the timeout, the self-managed page the other way round."""
    retries, timeout = "request.max.retries.time.ms", "connection.timeout"
    assert faults({retries: "250001", timeout: "600001"}) == {retries: "must be 1000 to 250000"}
    assert faults({**SELF_MANAGED, retries: "900000", timeout: "600001"}) == {
        timeout: "must be 5000 to 600000"
    }
    assert set(faults({**SELF_MANAGED, timeout: "4999"})) == {timeout}


def test_the_flow_with_user_name_and_password_is_warned_of_once(loading: Load) -> None:
    (warning,) = [notice for notice in loading().notices if notice.startswith("salesforce.grant.type")]
    assert "February 2027" in warning
    assert "JWT_BEARER" in warning


def test_options_of_the_self_managed_connector_are_taken(faults: Faults, loading: Load) -> None:
    given = {**SELF_MANAGED, "curl.logging": "false", "value.converter.schemas.cache.size": "1000",
             "value.converter.schema.content": "", "value.converter.converter.type": "value"}  # fmt: skip
    assert faults(given) == {}
    assert any("curl.logging" in notice for notice in told(loading(given)))


def test_what_is_known_and_not_needed_is_one_notice(loading: Load) -> None:
    extra = {
        "cloud.environment": "prod",
        "cloud.provider": "aws",
        "kafka.region": "eu-west-1",
        "kafka.dedicated": "no?",
        "valid.kafka.api.key": "true",
        "confluent.license": "",
        "confluent.topic.bootstrap.servers": "b:1",
        "confluent.connector.type": "MANAGED",
        "config.internal.cloud.provider": "aws",
        "connector.crn": "crn://confluent.cloud/organization=o",
        "kafka.deployment.type": "DEDICATED",
        "kafka.max.partition.validation": "x",
        "kafka.max.partition.validation.disable": "true",
        "kafka.max.partition.validation.enable": "no?",
    }
    (notice,) = told(loading(extra))
    assert all(key in notice for key in extra)


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
        config_of({"connection.timeout": "0"})


def test_secrets_are_known_to_the_log_wherever_they_hide(loading: Load) -> None:
    jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="in-jaas";'
    loaded = loading(
        {**NO_KEYS, "http.proxy": "http://user:in-url@proxy:3128",
         "value.converter.basic.auth.user.info": "user:in-info"},
        worker=WORKER_FILE | {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas},
    )  # fmt: skip
    assert {"the-salesforce.password", "in-url", "in-info", "in-jaas"} <= loaded.secrets().keys()
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
