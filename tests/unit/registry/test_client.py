from __future__ import annotations

import base64
import socket
import time

import pytest

from bridge.errors import ConfigurationError, Fatal, Retriable, Stage
from bridge.registry.client import Incompatible, Registry, differences
from bridge.registry.http import Refused, http_of
from tests.support.registry_server import INCOMPATIBLE, RegistryServer
from tests.support.web_server import Answer, Request, web_server

TEXT = '{"type":"record","name":"R","fields":[]}'


def client(url: str, seconds: float = 3.0, **settings: str) -> Registry:
    named = {key.replace("_", "."): value for key, value in settings.items()}
    return Registry(http_of({"url": url, **named}, retry_seconds=seconds, longest_wait=0.3))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_register_reads_back_what_is_there(server: RegistryServer) -> None:
    stored = client(server.url).register("t-value", TEXT)
    assert (stored.subject, stored.version, stored.id, stored.text) == ("t-value", 1, 1, TEXT)
    assert [r[:2] for r in server.requests] == [
        ("POST", "/subjects/t-value/versions"),
        ("GET", "/subjects/t-value/versions/1"),
    ]


def test_a_registry_that_answers_only_the_id(server: RegistryServer) -> None:
    server.put("t-value", TEXT)
    server.fail(200, {"id": 1})
    assert client(server.url).register("t-value", TEXT).version == 1


def test_metadata_rules_and_references_are_carried_over(server: RegistryServer) -> None:
    metadata = {"tags": {"**.ssn": ["PII"]}, "properties": {"owner": "x"}}
    rules = {"domainRules": [{"name": "r", "type": "ENCRYPT", "tags": ["PII"], "odd": 1}]}
    server.put("t-value", TEXT, metadata=metadata, ruleSet=rules)
    registry = client(server.url)
    latest = registry.latest("t-value")
    assert latest is not None
    assert latest.encrypts()
    grown = registry.register("t-value", TEXT + " ", like=latest)
    assert (grown.version, grown.metadata, grown.rule_set) == (2, metadata, rules)


@pytest.mark.parametrize(
    ("rule", "encrypts"),
    [
        ({"type": "ENCRYPT"}, True),
        ({"type": "ENCRYPT_PAYLOAD"}, True),
        ({"type": "ENCRYPT", "disabled": True}, False),
        ({"type": "CEL"}, False),
    ],
)
def test_whether_rules_encrypt(server: RegistryServer, rule: dict[str, object], encrypts: bool) -> None:
    for phase in ("domainRules", "encodingRules"):
        server.put(phase, TEXT, ruleSet={phase: [rule]})
        latest = client(server.url).latest(phase)
        assert latest is not None
        assert latest.encrypts() is encrypts


def test_what_is_not_there_is_none(server: RegistryServer) -> None:
    registry = client(server.url)
    assert registry.latest("t-value") is None
    assert registry.versions("t-value") == []
    assert registry.lookup("t-value", TEXT) is None
    assert registry.config("t-value") == {}
    server.put("t-value", TEXT)
    assert registry.versions("t-value") == [1]
    assert registry.version("t-value", 2) is None
    found = registry.lookup("t-value", TEXT)
    assert found is not None
    assert registry.by_id(found.id) == TEXT
    registry.set_config("t-value", {"compatibility": "FULL"})
    assert registry.config("t-value") == {"compatibility": "FULL"}


def test_a_subject_in_a_context_is_quoted_and_no_other_context_answers(server: RegistryServer) -> None:
    registry = client(server.url)
    registry.register(":.ctx:a/b value", TEXT)
    assert server.requests[0][1] == "/subjects/%3A.ctx%3Aa%2Fb%20value/versions"
    assert registry.latest("a/b value") is None
    found = registry.latest(":.ctx:a/b value")
    assert found is not None


def test_incompatible_says_the_difference(server: RegistryServer) -> None:
    message = f"Schema being registered is incompatible with an earlier schema; details: [{INCOMPATIBLE}]"
    for code in (409, 40901):
        server.fail(409, {"error_code": code, "message": message})
        with pytest.raises(Incompatible) as caught:
            client(server.url).register("t-value", TEXT)
        assert "of t-value: The field 'must' at path '/fields/3' in the new schema has no default" in str(
            caught.value
        )
    assert client(server.url).compatible("t-value", TEXT) == (False, differences(INCOMPATIBLE))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"error_code": 401, "message": "Unauthorized"}, "refused the credentials"),
        (401, "<html>", "refused the credentials"),
        (
            403,
            {"error_code": 40301, "message": "User is denied"},
            "does not allow this for t-value.*User is denied",
        ),
        (422, {"error_code": 42201, "message": "Invalid schema"}, "does not accept the schema for t-value"),
        (
            422,
            {"error_code": 42205, "message": "is in read-only mode"},
            "takes no new schema for t-value.*READWRITE",
        ),
        (200, "<html>login</html>", "instead of JSON"),
        (302, "", "instead of JSON"),
        (422, {"error_code": 42299, "message": "x" * 5000}, r"refused t-value \(42299\)"),
    ],
)
def test_one_sentence_for_what_is_refused(
    server: RegistryServer, status: int, body: object, words: str
) -> None:
    server.fail(status, body, "text/html" if isinstance(body, str) else "application/json")
    with pytest.raises(Fatal, match=words) as caught:
        client(server.url, basic_auth_user_info="u:s3cret").register("t-value", TEXT)
    assert caught.value.stage is Stage.SCHEMA
    assert len(caught.value.message) < 500
    assert "s3cret" not in caught.value.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(server: RegistryServer, status: int) -> None:
    server.fail(status, "<html>busy</html>", "text/html")
    server.fail(status, {"error_code": status, "message": "busy"})
    assert client(server.url).latest("t-value") is None
    assert len(server.requests) == 3


def test_retry_after_is_obeyed_and_the_time_is_bounded(server: RegistryServer) -> None:
    for _ in range(50):
        server.fail(429, "", **{"Retry-After": "1"})
    started = time.monotonic()
    with pytest.raises(Retriable, match=r"answered 429"):
        client(server.url, seconds=1.5).latest("t-value")
    assert 0.9 < time.monotonic() - started < 3
    assert len(server.requests) == 2


def test_unreachable(server: RegistryServer) -> None:
    with pytest.raises(Retriable, match="is unreachable") as caught:
        client(f"http://u:s3cret@127.0.0.1:{closed_port()}", seconds=0.2).latest("t-value")
    assert "s3cret" not in caught.value.message


def test_the_next_address_answers(server: RegistryServer) -> None:
    registry = client(f"http://127.0.0.1:{closed_port()}, {server.url}/", seconds=4)
    started = time.monotonic()
    assert registry.latest("t-value") is None
    assert registry.latest("t-value") is None
    assert time.monotonic() - started < 3


def test_closing_ends_the_waiting(server: RegistryServer) -> None:
    registry = client(f"http://127.0.0.1:{closed_port()}", seconds=60)
    registry.close()
    with pytest.raises(Retriable):
        registry.latest("t-value")


def _sent(server: RegistryServer) -> dict[str, str]:
    return server.requests[-1][2]


def test_credentials(server: RegistryServer) -> None:
    wanted = "Basic " + base64.b64encode(b"u:p:x").decode()
    client(server.url, basic_auth_user_info="u:p:x", basic_auth_credentials_source="USER_INFO").latest("t")
    assert _sent(server)["Authorization"] == wanted
    client(server.url.replace("//", "//u:p%3Ax@")).latest("t")
    assert _sent(server)["Authorization"] == wanted
    client(
        server.url,
        bearer_auth_credentials_source="STATIC_TOKEN",
        bearer_auth_token="abc",
        bearer_auth_logical_cluster="lsrc-1",
    ).latest("t")
    assert (_sent(server)["Authorization"], _sent(server)["target-sr-cluster"]) == ("Bearer abc", "lsrc-1")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bearer_auth_credentials_source": "OAUTHBEARER"}, "OAUTHBEARER is not supported; use STATIC_TOKEN"),
        ({"bearer_auth_credentials_source": "STATIC_TOKEN"}, "bearer.auth.token: is needed"),
        ({"basic_auth_credentials_source": "SASL_INHERIT"}, "SASL_INHERIT is not supported"),
        ({"basic_auth_credentials_source": "USER_INFO"}, "basic.auth.user.info: is needed"),
    ],
)
def test_credentials_that_cannot_be_used(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words.replace(".", r"\.")):
        client("http://localhost", **settings)


@pytest.mark.parametrize("url", ["", "localhost:8081", "ftp://x", "http://"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"schema\.registry\.url"):
        client(url)


def test_kafka_connect_in_the_place_of_a_registry() -> None:
    def connect(request: Request) -> Answer:
        if request.path == "/":
            return Answer({"version": "8.3.0", "commit": "abc", "kafka_cluster_id": "x"})
        return Answer({"error_code": 404, "message": "HTTP 404 Not Found"}, 404)

    with web_server(connect) as web:
        for ask in (
            lambda: client(web.url).latest("t-value"),
            lambda: client(web.url).register("t-value", TEXT),
        ):
            with pytest.raises(
                Fatal, match=r"is the REST API of Kafka Connect 8\.3\.0, and no schema registry"
            ):
                ask()


def test_a_registry_without_a_path_is_still_one() -> None:
    def old(request: Request) -> Answer:
        if request.path == "/schemas/types":
            return Answer(["AVRO"])
        return Answer({"error_code": 404, "message": "HTTP 404 Not Found"}, 404)

    with web_server(old) as web:
        http = http_of({"url": web.url}, retry_seconds=1, longest_wait=1)
        for _ in range(2):
            with pytest.raises(Refused):
                http.call("GET", "/contexts")
    assert [request.path for request in web.requests] == ["/contexts", "/schemas/types", "/contexts"]
