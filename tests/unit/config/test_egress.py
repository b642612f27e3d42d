"""Where a connector may connect to: the lists, and every place that connects."""

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from bridge.config import Config, config_of, egress, files
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.config.egress import Egress, entries, rules
from bridge.config.external import Origin
from bridge.config.loading import resolver_of
from bridge.encryption.kms import open_kms
from bridge.errors import BridgeError, Fatal, Stage
from bridge.inspection.configuration import examine_connector
from bridge.kafka.settings import producer_settings
from bridge.registry.http import http_of
from bridge.salesforce.auth import Login
from bridge.salesforce.http_settings import http_settings
from tests.support.memory_worker import GOOD

PLAIN = {"bootstrap.servers": "broker.own:9092", "security.protocol": "PLAINTEXT"}
LISTED = "login.salesforce.com, *.my.salesforce.com, 10.0.0.0/8, [fd00::]/8, proxy.corp:3128"


def listed(text: str) -> Egress:
    return Egress(rules(entries(text)))


@pytest.mark.parametrize(
    ("host", "port", "permitted"),
    [
        ("login.salesforce.com", 443, True),
        ("LOGIN.salesforce.com.", 443, True),
        ("acme.my.salesforce.com", 443, True),
        ("a.b.my.salesforce.com", 443, True),
        ("my.salesforce.com", 443, False),
        ("evilmy.salesforce.com", 443, False),
        ("login.salesforce.com.evil.example", 443, False),
        ("test.salesforce.com", 443, False),
        ("proxy.corp", 3128, True),
        ("proxy.corp", 22, False),
        ("10.1.2.3", 443, True),
        ("::ffff:10.1.2.3", 443, True),
        ("[fd00::1]", 443, True),
        ("11.0.0.1", 443, False),
        ("127.0.0.1", 443, False),
        ("169.254.169.254", 80, False),
        ("inside.example", 443, True),
        ("half.example", 443, False),
        ("nowhere.example", 443, False),
        ("0x7f000001", 443, False),
        ("", None, False),
    ],
)
def test_names_domains_networks_and_ports(
    host: str, port: int | None, permitted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = {
        "inside.example": ["10.9.9.9"],
        "half.example": ["10.9.9.9", "192.168.0.1"],
        "0x7f000001": ["127.0.0.1"],
    }

    def lookup(name: str, *_: object, **__: object) -> list[Any]:
        if name not in addresses:
            raise socket.gaierror
        return [(0, 0, 0, "", (address, 0)) for address in addresses[name]]

    monkeypatch.setattr(egress.socket, "getaddrinfo", lookup)
    assert (listed(LISTED).refusal(host, port) is None) is permitted


def test_without_a_list_anything_is_permitted() -> None:
    assert egress.ANYWHERE.refusal("anything.example", 1, salesforce=True) is None


@pytest.mark.parametrize(
    "text", ["a b!", "https://x", "x:99999999", "*", "a.*.b", "10.0.0.0/99", "1.2.3", "-a.example"]
)
def test_what_is_no_entry(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(entries(text)[-1])):
        rules(entries(text))


@pytest.mark.parametrize(
    "text", ["a.example:443:TCP;b.example:443:TCP", "a.example b.example", "a.example,b.example"]
)
def test_spellings_of_the_managed_service(text: str) -> None:
    assert listed(text).refusal("b.example", 443) is None
    assert listed(text).refusal("c.example", 443) is not None


# ---- a connector and its worker ------------------------------------------------------------------------


def judged(given: dict[str, str], **worker: str) -> tuple[dict[str, str], Config]:
    names = {key.replace("__", "."): text for key, text in worker.items()}
    config = config_of({key: text for key, text in {**PLAIN, **names}.items() if text}, WORKER_PROPERTIES)
    examined = examine_connector(files.Given({**GOOD, **given}), config, resolver_of(config, {}, Origin.REST))
    return {fault.key: fault.message for fault in examined.faults}, examined.config()


ALLOWED = {"bridge__egress__allowed": "*.salesforce.com, 10.0.0.0/8"}
AVRO = {"output.data.format": "AVRO"}
NAMED: dict[str, tuple[str, dict[str, str]]] = {
    "salesforce.instance": ("https://evil.example", {}),
    "http.proxy": ("evil.example:3128", {}),
    "value.converter.schema.registry.url": ("http://ok.salesforce.com,http://169.254.169.254", AVRO),
    "kafka.endpoint": ("SASL_SSL://evil.example:9092", {}),
}


@pytest.mark.parametrize("key", NAMED)
def test_a_host_outside_is_told_on_its_property(key: str) -> None:
    value, more = NAMED[key]
    own = {"bootstrap__servers": ""} if key == "kafka.endpoint" else {}
    found, _ = judged({**more, key: value}, bridge__egress__allowed="*.salesforce.com", **own)
    assert "is not among bridge.egress.allowed of the worker" in found[key]
    assert not judged({**more, key: value}, **own)[0]


def test_the_default_instance_is_a_host_too() -> None:
    found, _ = judged({}, bridge__egress__allowed="10.1.0.0/16:443, test.salesforce.com")
    assert not found, "a network may hold it: judged when it is connected to"
    found, _ = judged({}, bridge__egress__allowed="test.salesforce.com")
    assert "names login.salesforce.com, which is not among" in found["salesforce.instance"]


def test_what_the_worker_names_itself_stays_open() -> None:
    keys = "https://vault.own:8200/transit/keys/,arn:aws:kms:eu-central-1:111122223333:"
    worker = {
        **ALLOWED,
        "schema__registry__url": "http://registry.own:8081",
        "bridge__kms__allowed__keys": keys,
    }
    found, config = judged(
        {**AVRO, "value.converter.schema.registry.url": "http://registry.own:8081"}, **worker
    )
    assert not found
    assert config.egress.refusal("registry.own", 8081) is None
    assert config.egress.refusal("broker.own", 9092) is None
    assert config.egress.refusal("vault.own", 8200) is None


OWN = {
    "bridge__egress__allowed": "*.salesforce.com",
    "bootstrap__servers": "broker.own:9092,SASL_SSL://other.own:9093",
    "schema__registry__url": "http://registry.own:8081,https://second.own,http://plain.own",
    "bridge__kms__allowed__keys": "https://vault.own:8200/transit/keys/,azure-kms://https://azure.own/keys/k",
}


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("broker.own", 9092), ("other.own", 9093), ("registry.own", 8081), ("second.own", 443), ("plain.own", 80),
        ("vault.own", 8200), ("azure.own", 443),
    ],
)  # fmt: skip
def test_of_a_host_that_the_worker_names_one_port_is_open(host: str, port: int) -> None:
    _, config = judged({}, **OWN)
    assert config.egress.refusal(host, port) is None
    for other in (22, 80 if port != 80 else 443, 9200, None):
        assert config.egress.refusal(host, other) is not None, other


@pytest.mark.parametrize("url", ["https://second.own", "http://plain.own/sr", "http://registry.own:8081"])
def test_a_registry_of_the_worker_s_is_asked_at_the_port_of_its_scheme(url: str) -> None:
    _, config = judged({}, **OWN)
    (address,) = http_of({"url": url}, retry_seconds=0, longest_wait=0).addresses
    assert config.egress.refusal(address.host, address.port) is None


def test_another_port_of_the_registry_s_host_is_no_place_to_log_in() -> None:
    found, _ = judged({"salesforce.instance": "https://registry.own:22"}, **OWN)
    assert "names registry.own, which is not among bridge.egress.allowed" in found["salesforce.instance"]
    assert "salesforce.instance" not in judged({"salesforce.instance": "https://second.own"}, **OWN)[0]


def test_the_managed_list_binds_salesforce_and_proxies_only() -> None:
    own = {"connector.egress.whitelist": "login.salesforce.com,acme.my.salesforce.com"}
    registry = {**AVRO, "value.converter.schema.registry.url": "http://registry.example"}
    assert not judged({**own, **registry})[0]
    found, _ = judged({**own, "salesforce.instance": "https://test.salesforce.com"})
    assert "is not among connector.egress.whitelist" in found["salesforce.instance"]
    assert "http.proxy" in judged({**own, "http.proxy": "proxy.example:1"})[0]
    assert "connector.egress.whitelist" in judged({"connector.egress.whitelist": "https://x"})[0]


# ---- the places that connect ---------------------------------------------------------------------------


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is connected to, and no name is looked up that a network could not permit."""

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


ONLY = Egress(rules(["*.salesforce.com"]))


def salesforce(instance: str) -> Config:
    config = config_of({**GOOD, "salesforce.instance": instance})
    return Config(dict(config), config.raw(), "sf", egress=ONLY)


CONNECTS: dict[str, Callable[[], object]] = {
    "login": lambda: Login(salesforce("https://evil.example")).session(),
    "another host of the org": lambda: http_settings(salesforce("https://login.salesforce.com")).proxy_for(
        "https://evil.example/services/data"
    ),
    "registry": lambda: http_of(
        {"url": "http://evil.example:8081"}, retry_seconds=0, longest_wait=0, egress=ONLY
    ).call("GET", "/subjects"),
    "vault": lambda: open_kms("hcvault", "https://evil.example/transit/keys/k", {"token.id": "t"}, ONLY).wrap(
        b"k"
    ),
    "aws": lambda: open_kms(
        "aws-kms",
        "arn:aws:kms:eu-central-1:111122223333:key/k",
        {"access.key.id": "a", "secret.access.key": "s"},
        ONLY,
    ).wrap(b"k"),
    "azure": lambda: open_kms(
        "azure-kms",
        "https://evil.vault.azure.net/keys/k",
        {"tenant.id": "t", "client.id": "c", "client.secret": "s"},
        ONLY,
    ),
    "gcp": lambda: open_kms("gcp-kms", "projects/p/locations/l/keyRings/r/cryptoKeys/k", {}, ONLY),
}


@pytest.mark.parametrize("place", CONNECTS)
@pytest.mark.usefixtures("nobody")
def test_no_connection_is_made_to_what_is_not_listed(place: str) -> None:
    with pytest.raises(
        BridgeError, match=r"no connection to .* is made: it is not among bridge\.egress\.allowed"
    ) as refused:
        CONNECTS[place]()
    assert isinstance(refused.value, Fatal)


def test_a_proxy_of_the_environment_is_the_operators_choice() -> None:
    url, proxy = "https://login.salesforce.com/services", "http://proxy.corp:3128"
    settings = http_settings(salesforce("https://login.salesforce.com"), {"HTTPS_PROXY": proxy})
    assert settings.proxy_for(url) == proxy
    config = config_of({**GOOD, "http.proxy": "proxy.corp:3128"})
    named = http_settings(Config(dict(config), config.raw(), "sf", egress=ONLY), {})
    with pytest.raises(Fatal, match=r"proxy\.corp"):
        named.proxy_for(url)


@pytest.mark.usefixtures("nobody")
def test_brokers_that_a_connector_names_are_looked_at_first() -> None:
    from bridge.config import Loaded

    worker = config_of({"security.protocol": "PLAINTEXT"}, WORKER_PROPERTIES)
    config = config_of({**GOOD, "kafka.endpoint": "evil.example:9092"})
    loaded = Loaded(Config(dict(config), config.raw(), "sf", egress=ONLY), worker)
    with pytest.raises(Fatal, match=r"evil\.example") as refused:
        producer_settings(loaded)
    assert refused.value.stage is Stage.PRODUCE
