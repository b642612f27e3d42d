"""Which secrets a request keeps that does not give them."""

import pytest

from bridge.config.secrecy import MASK
from bridge.worker.masks import keep

SECRETS = {
    "salesforce.password": "s-password",
    "salesforce.consumer.secret": "s-consumer",
    "oauth.refresh.token": "s-refresh",
    "http.proxy.password": "s-proxy",
    "kafka.api.secret": "s-kafka",
    "producer.override.sasl.jaas.config": "s-jaas",
    "value.converter.basic.auth.user.info": "s-registry",
    "value.converter.rule.executors._default_.param.secret": "s-kms",
    "rule.executors._default_.param.token.id": "s-vault",
    "nobody.declared.password": "s-nobody",
}
PLACES = {
    "salesforce.instance": "https://a.my.salesforce.com",
    "http.proxy": "http://proxy:8080",
    "bridge.salesforce.ca.file": "/ca.pem",
    "kafka.endpoint": "broker:9092",
    "producer.override.ssl.endpoint.identification.algorithm": "https",
    "producer.override.sasl.oauthbearer.token.endpoint.url": "https://idp/token",
    "value.converter.schema.registry.url": "http://registry:8081",
    "value.converter.schema.registry.ssl.truststore.location": "/trust.pem",
    "bridge.schema.contract": "/c.yaml",
}
STORED = {**SECRETS, **PLACES, "kafka.topic": "t"}
MASKED = {**STORED, **dict.fromkeys(SECRETS, MASK)}
CONCERNED = {
    "salesforce.instance": {"salesforce.password", "salesforce.consumer.secret", "oauth.refresh.token"},
    "http.proxy": {
        "http.proxy.password",
        "salesforce.password",
        "salesforce.consumer.secret",
        "oauth.refresh.token",
    },
    "kafka.endpoint": {"kafka.api.secret", "producer.override.sasl.jaas.config"},
    "value.converter.schema.registry.url": {
        "value.converter.basic.auth.user.info",
        "value.converter.rule.executors._default_.param.secret",
        "rule.executors._default_.param.token.id",
    },
}


def test_a_mask_stands_for_what_is_stored() -> None:
    kept = keep(MASKED, STORED)
    assert (kept.config, kept.again) == (STORED, {})
    assert keep({**MASKED, "kafka.topic": "other"}, STORED).config == {**STORED, "kafka.topic": "other"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("patched", [True, False])
def test_no_secret_goes_to_a_place_that_it_did_not_go_to(place: str, patched: bool) -> None:
    moved = {**(STORED if patched else MASKED), place: "https://elsewhere.example"}
    kept = keep(moved, STORED, frozenset(STORED.keys() - {place}) if patched else frozenset())
    assert CONCERNED.get(place, set()) | {"nobody.declared.password"} <= set(kept.again)
    for key, why in kept.again.items():
        assert why == f"must be given again because {place} changed"
        assert kept.config[key] == MASK
    assert kept.config[place] == "https://elsewhere.example"
    gone = {**MASKED}
    del gone[place]
    assert keep(gone, STORED).again.keys() == kept.again.keys(), "its default is another place, too"


def test_a_secret_that_is_given_again_may_go_anywhere() -> None:
    given = {**STORED, "salesforce.instance": "https://b.my.salesforce.com", "kafka.api.secret": MASK}
    given["nobody.declared.password"] = "new"
    kept = keep(given, STORED)
    assert (kept.config, kept.again) == ({**given, "kafka.api.secret": "s-kafka"}, {})


def test_the_default_spelled_out_is_no_change() -> None:
    stored = {"salesforce.password": "s"}
    given = {"salesforce.password": MASK, "salesforce.instance": "https://login.salesforce.com/"}
    assert keep(given, stored).config["salesforce.password"] == "s"


def test_a_login_in_a_url_is_kept_with_its_host_only() -> None:
    stored = {"http.proxy": "http://u:s-pw@proxy:1", "value.converter.schema.registry.url": "http://u:s@r:1"}
    shown = {"http.proxy": "http://****@proxy:1", "value.converter.schema.registry.url": "http://****@r:1"}
    assert keep(shown, stored).config == stored
    kept = keep({**shown, "http.proxy": "http://****@evil:1"}, stored)
    assert kept.config["http.proxy"] == "http://****@evil:1"
    assert set(kept.again) == {"http.proxy"}


def test_a_reference_is_no_mask_and_stays() -> None:
    stored = {"salesforce.password": "${env:SF_PASSWORD}"}
    patched = {**stored, "salesforce.instance": "https://b.my.salesforce.com"}
    assert keep(patched, stored, frozenset(stored)).again == {}
