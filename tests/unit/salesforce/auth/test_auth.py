"""The login against a real token endpoint on this machine: what is sent, and what is understood."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config import config_of
from bridge.errors import ConfigurationError, Fatal, Retriable, Stage
from bridge.salesforce.auth import Login
from bridge.salesforce.grants import GRANTS, audience_of
from bridge.salesforce.keystore import open_keystore
from tests.support.web_server import Answer, Web, web_server
from tests.unit.salesforce.auth.endpoint import ACCESS, DATA, connector, refusal, reply

# ---- what is sent --------------------------------------------------------------------------------------


def test_password(web: Web) -> None:
    session = Login(connector(web.url)).session()
    request = web.requests[0]
    assert (request.method, request.path, request.query) == ("POST", "/services/oauth2/token", {})
    assert request.form == {
        "grant_type": "password",
        "client_id": "consumer-key-7710",
        "client_secret": "consumer-secret-2266",
        "username": "bridge@example.com",
        "password": "pass-8431token-5512",
    }
    assert session.access_token == ACCESS
    assert session.instance_url == web.url
    assert session.org_id == "00D5g000004XyZzEAK"
    assert session.user_id == "0055g00000Ab1cdAAA"
    assert session.issued_at == 1700000000.123


def test_password_without_security_token(web: Web) -> None:
    Login(connector(web.url, salesforce__password__token="", salesforce__password="ü & =+%")).session()
    assert web.requests[0].form["password"] == "ü & =+%"


def test_client_credentials(web: Web) -> None:
    Login(connector(web.url, "CLIENT_CREDENTIALS")).session()
    assert web.requests[0].form == {
        "grant_type": "client_credentials",
        "client_id": "consumer-key-7710",
        "client_secret": "consumer-secret-2266",
    }


def test_client_credentials_need_the_my_domain() -> None:
    with pytest.raises(ConfigurationError, match="My Domain") as refused:
        Login(connector("https://login.salesforce.com", "CLIENT_CREDENTIALS"))
    assert refused.value.faults[0].key == "salesforce.instance"


def test_refresh_token(web: Web) -> None:
    Login(connector(web.url, "OAUTH2_AUTH_CODE_BYOA")).session()
    assert web.requests[0].form == {
        "grant_type": "refresh_token",
        "client_id": "consumer-key-7710",
        "client_secret": "consumer-secret-2266",
        "refresh_token": "refresh-token-9034",
    }


def test_a_rotated_refresh_token_is_used_next(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    web.script = lambda request: Answer(reply(web, refresh_token="rotated-1"))
    login = Login(connector(web.url, "OAUTH2_AUTH_CODE_BYOA"))
    login.renew(login.session())
    assert [request.form["refresh_token"] for request in web.requests] == ["refresh-token-9034", "rotated-1"]
    assert "oauth.refresh.token will be refused at the next start" in caplog.text
    assert "rotated-1" not in caplog.text


@pytest.mark.parametrize("name", ["sample.jks", "sample.p12"])
def test_jwt_bearer(web: Web, name: str) -> None:
    Login(connector(web.url, "JWT_BEARER", salesforce__jwt__keystore__path=str(DATA / name))).session()
    form = web.requests[0].form
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert set(form) == {"grant_type", "assertion"}
    key = open_keystore((DATA / name).read_bytes(), "confluent").private_key.public_key()
    assert jwt.get_unverified_header(form["assertion"])["alg"] == "RS256"
    claims = jwt.decode(form["assertion"], key, algorithms=["RS256"], audience=web.url)
    assert claims["iss"] == "consumer-key-7710"
    assert claims["sub"] == "bridge@example.com"
    assert isinstance(claims["exp"], int)
    assert 0 < claims["exp"] - time.time() <= 180


@pytest.mark.parametrize(
    ("instance", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://LOGIN.salesforce.com/", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--uat.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--uat.cs101.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://127.0.0.1:8443/", "https://127.0.0.1:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_the_audience_of_an_assertion(instance: str, audience: str) -> None:
    assert audience_of(instance) == audience


@pytest.mark.parametrize("grant", list(GRANTS))
def test_what_a_grant_needs_is_named(grant: str) -> None:
    bare = {"salesforce.instance": "https://x.my.salesforce.com", "salesforce.grant.type": grant}
    with pytest.raises(ConfigurationError, match=rf"is required with salesforce\.grant\.type={grant}"):
        Login(config_of(bare))


# ---- what is understood --------------------------------------------------------------------------------


def test_the_org_is_told_from_the_token_when_there_is_no_id(web: Web) -> None:
    web.script = lambda request: Answer(reply(web, id=None))
    session = Login(connector(web.url)).session()
    assert (session.org_id, session.user_id) == ("00D5g000004XyZzEAK", "")


def test_the_instance_url_is_reduced_to_its_origin(web: Web) -> None:
    web.script = lambda request: Answer(reply(web, instance_url="https://acme.my.salesforce.com/some/path"))
    assert Login(connector(web.url)).session().instance_url == "https://acme.my.salesforce.com"


@pytest.mark.parametrize(
    "url", ["http://acme.my.salesforce.com", "ftp://x", "javascript:alert(1)", "//x", "https://u:p@x"]
)
def test_a_token_is_never_taken_to_a_plain_or_odd_address(web: Web, url: str) -> None:
    web.script = lambda request: Answer(reply(web, instance_url=url))
    with pytest.raises(Fatal, match="the instance_url in the answer of") as refused:
        Login(connector(web.url)).session()
    assert ACCESS not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer("<html><head><title>Down for\n maintenance</title>"),
            "a web page (status 200), 'Down for maintenance'",
        ),
        (Answer(b'{"access_token":"' + ACCESS.encode()), "only half of it"),
        (Answer({"access_token": ACCESS}, cut=20), "only half of it"),
        (Answer(b""), "status 200 and nothing else"),
        (Answer(b"[]"), "not the JSON expected"),
        (Answer(b"[" * 100_000), "not the JSON expected"),
        (Answer({}), "without an access_token"),
        (Answer({"access_token": 7}), "without an access_token"),
        (Answer({"access_token": "a\r\nb"}), "damaged access_token"),
        (Answer({"access_token": ACCESS}), "without an instance_url"),
        (Answer({"access_token": "opaque", "instance_url": "https://x.example"}), "no id from which the org"),
        (Answer({"error": "server_error"}, 500), "says server_error"),
        (Answer("<html>busy</html>", 503), "a web page (status 503)"),
        (refusal("unknown_error", "retry your request"), "retry your request"),
    ],
)
def test_odd_replies_are_one_retriable_sentence(web: Web, answer: Answer, said: str) -> None:
    web.script = lambda request: answer
    with pytest.raises(Retriable) as failed:
        Login(connector(web.url)).session()
    assert said in failed.value.message
    assert failed.value.stage is Stage.LOGIN
    assert "\n" not in failed.value.message
    assert ACCESS not in failed.value.message


@settings(deadline=None, max_examples=60)
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["access_token", "instance_url", "id", "issued_at", "error"]), inner
            )
        ),
        max_leaves=8,
    ),
    st.sampled_from([200, 400, 401, 403, 500]),
)
def test_no_reply_raises_anything_but_ours(body: Any, status: int) -> None:
    with web_server(lambda request: Answer(body, status)) as web:
        raised = None
        try:
            Login(connector(web.url)).session()
        except (Fatal, Retriable) as error:
            raised = error
        assert raised is not None
        assert "\n" not in raised.message
