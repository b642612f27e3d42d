"""Which registry is used, and whose credentials go there."""

from bridge.config.registry import registry_properties

A, B, C, D = ("http://a:1", "http://b:1", "http://c:1", "http://d:1")


def test_from_the_particular_to_the_general() -> None:
    connector = {"value.converter.schema.registry.url": A, "schema.registry.url": D}
    worker = {"value.converter.schema.registry.url": B, "schema.registry.url": C}
    assert registry_properties(connector, worker)["url"] == A
    assert registry_properties({"schema.registry.url": D}, worker)["url"] == B
    assert registry_properties({"schema.registry.url": D}, {"schema.registry.url": C})["url"] == C
    assert registry_properties({"schema.registry.url": D}, {})["url"] == D
    assert registry_properties({}, {}) == {}
    assert registry_properties({"schema.registry.url": " "}, {"schema.registry.url": ""}) == {}


def test_all_spellings_lose_their_prefix() -> None:
    connector = {
        "value.converter.schema.registry.url": A,
        "value.converter.basic.auth.user.info": "u:p",
        "value.converter.basic.auth.credentials.source": "USER_INFO",
        "value.converter.bearer.auth.token": "t",
        "value.converter.schema.registry.ssl.truststore.location": "/t.pem",
        "value.converter.use.latest.version": "true",
    }
    assert registry_properties(connector, {}) == {
        "url": A,
        "basic.auth.user.info": "u:p",
        "basic.auth.credentials.source": "USER_INFO",
        "bearer.auth.token": "t",
        "ssl.truststore.location": "/t.pem",
    }
    old = {"schema.registry.url": A, "schema.registry.basic.auth.user.info": "u:p"}
    assert registry_properties({}, old) == {"url": A, "basic.auth.user.info": "u:p"}


def test_a_workers_password_is_not_sent_where_a_connector_points() -> None:
    worker = {"schema.registry.url": C, "schema.registry.basic.auth.user.info": "worker:secret"}
    assert registry_properties({"value.converter.schema.registry.url": A}, worker) == {"url": A}


def test_a_connectors_own_credentials_go_to_the_workers_registry() -> None:
    connector = {"value.converter.basic.auth.user.info": "mine:secret"}
    worker = {"schema.registry.url": C, "schema.registry.basic.auth.user.info": "worker:secret"}
    assert registry_properties(connector, worker) == {"url": C, "basic.auth.user.info": "mine:secret"}


def test_an_exported_address_is_used_with_the_workers_credentials() -> None:
    worker = {"schema.registry.basic.auth.user.info": "worker:secret"}
    found = registry_properties({"schema.registry.url": D}, worker)
    assert found == {"url": D, "basic.auth.user.info": "worker:secret"}
