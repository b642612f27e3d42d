"""The login against a real token endpoint on this machine: what is sent, what is understood, what is never repeated."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import log
from bridge.config import config_of
from bridge.errors import ConfigurationError, Fatal, Retriable, Stage
from bridge.salesforce.auth import Login
from bridge.salesforce.grants import GRANTS, audience_of
from bridge.salesforce.keystore import open_keystore
from bridge.salesforce.token import clean, long_id
from tests.support.web_server import Answer, Request, Web, connect_proxy, web_server

DATA = Path(__file__).parents[2] / "data" / "oauth"
SECRET_VALUES = {
    "salesforce.password": "pass-8431",
    "salesforce.password.token": "token-5512",
    "salesforce.consumer.key": "consumer-key-7710",
    "salesforce.consumer.secret": "consumer-secret-2266",
    "oauth.refresh.token": "refresh-token-9034",
    "salesforce.jwt.keystore.password": "confluent",
}
ACCESS = "00D5g000004XyZz!AccessToken.4711"


def reply(web: Web, **changes: Any) -> dict[str, Any]:
    """A token reply in the recorded shape."""
    document = {
        "access_token": ACCESS,
        "instance_url": web.url,
        "id": "https://login.salesforce.com/id/00D5g000004XyZzEAK/0055g00000Ab1cdAAA",
        "token_type": "Bearer",
        "issued_at": "1700000000123",
        "signature": "c2lnbmF0dXJl",
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as web:
        web.script = lambda request: Answer(reply(web))
        yield web


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    log.forget_secrets()


def connector(url: str, grant: str = "PASSWORD", **changes: str) -> Any:
    given = {
        "salesforce.grant.type": grant,
        "salesforce.instance": url,
        "salesforce.username": "bridge@example.com",
        "salesforce.auth.retries.time.ms": "0",
        **SECRET_VALUES,
        **{key.replace("__", "."): value for key, value in changes.items()},
    }
    if grant == "JWT_BEARER":
        given.setdefault("salesforce.jwt.keystore.path", str(DATA / "sample.p12"))
    return config_of({key: value for key, value in given.items() if value is not None})


def refusal(error: str, description: str = "", status: int = 400) -> Answer:
    return Answer({"error": error, "error_description": description}, status)


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


# ---- refusals ------------------------------------------------------------------------------------------

REFUSALS = [
    ("invalid_grant", "authentication failure", "salesforce.password.token"),
    ("invalid_grant", "user hasn't approved this consumer", "pre-authorized"),
    ("invalid_grant", "invalid assertion", "certificate uploaded"),
    ("invalid_grant", "expired authorization code", "clock"),
    ("invalid_grant", "expired access/refresh token", "oauth.refresh.token"),
    ("invalid_grant", "audience is invalid", "https://test.salesforce.com"),
    ("invalid_grant", "inactive user", "inactive"),
    ("invalid_grant", "no client credentials user enabled", "Run As user"),
    ("invalid_grant", "request not supported on this domain", "My Domain"),
    ("invalid_client_id", "client identifier invalid", "salesforce.consumer.key"),
    ("invalid_client", "invalid client credentials", "salesforce.consumer.secret"),
    ("unsupported_grant_type", "grant type not supported", "enable the OAuth flow"),
    ("something_new", "", "check the properties of salesforce.grant.type"),
]


@pytest.mark.parametrize(("error", "description", "remedy"), REFUSALS)
def test_a_refusal_is_fatal_with_its_remedy(web: Web, error: str, description: str, remedy: str) -> None:
    web.script = lambda request: refusal(error, description)
    with pytest.raises(Fatal) as refused:
        Login(connector(web.url, salesforce__auth__retries__time__ms="30000")).session()
    assert len(web.requests) == 1
    for expected in (error, description, remedy):
        assert expected in refused.value.message


@pytest.mark.parametrize(
    "answer", [refusal("invalid_grant"), Answer("<html>no</html>", 403), Answer(b"", 401)]
)
def test_a_refused_login_is_never_sent_again(web: Web, answer: Answer) -> None:
    web.script = lambda request: answer
    login = Login(connector(web.url, salesforce__auth__retries__time__ms="30000"))
    messages = set()
    for _ in range(3):
        with pytest.raises(Fatal) as refused:
            login.session()
        messages.add(refused.value.message)
    assert len(web.requests) == 1
    assert len(messages) == 1


def test_a_refused_renewal_is_never_sent_again(web: Web) -> None:
    login = Login(connector(web.url))
    session = login.session()
    web.script = lambda request: refusal("invalid_grant", "inactive user")
    for _ in range(2):
        with pytest.raises(Fatal):
            login.renew(session)
    with pytest.raises(Fatal):
        login.session()
    assert len(web.requests) == 2


def test_a_login_rate_limit_is_no_refusal_but_a_long_wait(web: Web) -> None:
    web.script = lambda request: refusal("invalid_grant", "login rate exceeded")
    with pytest.raises(Retriable) as failed:
        Login(connector(web.url, salesforce__auth__retries__time__ms="30000")).session()
    assert failed.value.retry_after == 600
    assert len(web.requests) == 1


def test_a_wrong_clock_is_said(web: Web) -> None:
    web.script = lambda request: Answer(
        {"error": "invalid_grant", "error_description": "invalid assertion"},
        400,
        {"Date": "Wed, 01 Jan 2020 00:00:00 GMT"},
    )
    with pytest.raises(Fatal, match=r"this machine's clock is \d+ s fast"):
        Login(connector(web.url, "JWT_BEARER")).session()


def test_a_redirect_is_not_followed(web: Web) -> None:
    location = "https://acme.my.salesforce.com/services/oauth2/token?password=pass-8431"
    web.script = lambda request: Answer(status=302, headers={"Location": location})
    with pytest.raises(
        Fatal, match=r"redirects the login to https://acme\.my\.salesforce\.com, where"
    ) as refused:
        Login(connector(web.url)).session()
    assert "pass-8431" not in refused.value.message


# ---- trying again --------------------------------------------------------------------------------------


def test_an_outage_is_waited_for(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([Answer(b"", 503), Answer(b"", 500)])
    web.script = lambda request: next(answers, Answer(reply(web)))
    login = Login(connector(web.url, salesforce__auth__retries__time__ms="20000"))
    assert login.session().access_token == ACCESS
    assert len(web.requests) == 3
    assert login.logins == 1
    assert "trying again in" in caplog.text


def test_the_retries_end_and_say_how_long_they_took(web: Web) -> None:
    web.script = lambda request: Answer(b"", 503)
    started = time.monotonic()
    with pytest.raises(Retriable, match=r"\(tried for \d s, salesforce\.auth\.retries\.time\.ms\)"):
        Login(connector(web.url, salesforce__auth__retries__time__ms="1200")).session()
    assert 1.1 < time.monotonic() - started < 6
    assert len(web.requests) > 2


def test_a_wait_that_the_server_asks_for_is_kept_or_handed_on(web: Web) -> None:
    web.script = lambda request: Answer(b"", 503, {"Retry-After": "120"})
    with pytest.raises(Retriable) as failed:
        Login(connector(web.url, salesforce__auth__retries__time__ms="5000")).session()
    assert failed.value.retry_after == 120
    assert len(web.requests) == 1


def test_closing_ends_the_wait(web: Web) -> None:
    web.script = lambda request: Answer(b"", 503)
    login = Login(connector(web.url, salesforce__auth__retries__time__ms="30000"))
    threading.Timer(0.3, login.close).start()
    started = time.monotonic()
    with pytest.raises(Retriable):
        login.session()
    assert time.monotonic() - started < 5


# ---- many threads --------------------------------------------------------------------------------------


def in_threads(count: int, work: Any) -> list[Any]:
    found: list[Any] = []
    barrier = threading.Barrier(count)

    def one() -> None:
        barrier.wait()
        found.append(work())

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return found


def test_threads_share_one_login_and_one_renewal(web: Web) -> None:
    def slowly(request: Request) -> Answer:
        time.sleep(0.1)
        return Answer(reply(web, access_token=f"{ACCESS}{len(web.requests)}"))

    web.script = slowly
    login = Login(connector(web.url))
    sessions = in_threads(8, login.session)
    assert len({session.access_token for session in sessions}) == 1
    renewed = in_threads(8, lambda: login.renew(sessions[0]))
    assert {session.access_token for session in renewed} == {f"{ACCESS}2"}
    assert len(web.requests) == 2
    assert login.logins == 2


def test_the_same_token_given_again_still_counts_as_renewed(web: Web) -> None:
    login = Login(connector(web.url))
    first = login.session()
    second = login.renew(first)
    assert second is not first
    assert login.session() is second


# ---- secrets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grant", list(GRANTS))
@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_in_any_text_even_if_the_server_repeats_it(
    web: Web, grant: str, as_json: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(request: Request) -> Answer:
        said = " ".join(value[:150] for value in request.form.values())
        if as_json:
            return refusal("invalid_grant", said)
        return Answer(f"<html><title>{said}</title>", 403)

    web.script = echo
    login = Login(connector(web.url, grant))
    with pytest.raises(Fatal) as refused:
        login.session()
    shown = " ".join([str(refused.value), repr(refused.value), repr(login), repr(login.http), caplog.text])
    for value in SECRET_VALUES.values():
        assert value not in shown
    assertion = web.requests[0].form.get("assertion", "")
    assert not assertion or assertion[:40] not in shown


def test_the_token_is_in_no_representation_and_no_log(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    session = Login(connector(web.url)).session()
    assert ACCESS not in repr(session)
    assert ACCESS not in str(session)
    assert ACCESS not in caplog.text
    assert "logged in to org 00D5g000004XyZzEAK" in caplog.text


def test_a_proxy_is_used_for_the_login(tmp_path: Path) -> None:
    with web_server(tls_directory=tmp_path) as web, connect_proxy() as proxy:
        web.script = lambda request: Answer(reply(web))
        changes = {"http.proxy": proxy.address, "bridge.salesforce.ca.file": str(web.ca_file)}
        Login(connector(web.url, **changes)).session()
        assert proxy.asked == [f"localhost:{web.port}"]


# ---- small things --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("00D5g000004XyZz", "00D5g000004XyZzEAK"),
        ("0055g00000Ab1cd", "0055g00000Ab1cdAAB"),
        ("00D5g000004XyZzEAK", "00D5g000004XyZzEAK"),
        ("ABCDEABCDEABCDE", "ABCDEABCDEABCDE555"),
    ],
)
def test_ids_have_eighteen_characters(short: str, long: str) -> None:
    assert long_id(short) == long


def test_a_secret_that_was_cut_off_is_hidden_too() -> None:
    assert clean("got short-1, not more", ("short-1",)) == "got ****, not more"
    assert clean("got consumer-secret-22", ("consumer-secret-2266",)) == "got ****"
    assert clean("x" * 195 + " consumer-secret-2266", ("consumer-secret-2266",)).endswith("****")


@given(st.text(), st.text(min_size=1))
def test_cleaned_text_is_short_single_line_and_without_the_secret(text: str, secret: str) -> None:
    shown = clean(f"{text}{secret}{text}", (secret,))
    assert len(shown) <= 200
    assert shown.isprintable()
