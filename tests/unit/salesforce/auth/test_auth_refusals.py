"""What is never sent again, what is tried again, and many threads at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from attrs import evolve

from bridge.errors import Fatal, Retriable
from bridge.salesforce.auth import Login
from tests.support.web_server import Answer, Request, Web
from tests.unit.salesforce.auth.endpoint import ACCESS, connector, refusal, reply

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


def _pass(login: Login, seconds: float) -> None:
    """As if so many seconds had passed since the refusal."""
    if login._known is not None:
        login.account.refusal = login._known = evolve(login._known, at=login._known.at - seconds)


def test_with_auto_restart_a_refused_login_is_sent_again_after_an_hour(web: Web) -> None:
    web.script = lambda request: refusal("invalid_grant", "authentication failure")
    login = Login(connector(web.url, auto__restart__on__user__error="true"))
    assert login.again_in() == 0
    for passed, requests in ((0, 1), (3540, 1), (60, 2), (3590, 2)):
        _pass(login, passed)
        with pytest.raises(Fatal) as refused:
            login.session()
        assert len(web.requests) == requests
        assert "tried again in an hour at the earliest (auto.restart.on.user.error)" in refused.value.message
        assert "not tried again" not in refused.value.message
    assert 0 < login.again_in() <= 10
    _pass(login, 10)
    web.script = lambda request: Answer(reply(web))
    assert login.session()
    assert login.again_in() == 0


def test_without_it_the_sentence_says_never(web: Web) -> None:
    web.script = lambda request: refusal("invalid_grant", "authentication failure")
    login = Login(connector(web.url))
    with pytest.raises(Fatal, match="it is not tried again, because repeated refusals lock an account"):
        login.session()
    assert login.again_in() == float("inf")


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


def test_a_login_waits_no_longer_than_five_minutes_for_a_server_that_asks_for_a_year(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    web.script = lambda _: Answer(b"busy", 503, {"Retry-After": "31536000"})
    with pytest.raises(Retriable) as later:
        Login(connector(web.url)).session()
    assert later.value.retry_after == 300
    assert f"the login at {web.url} asks for a pause of 31536000 s" in caplog.text
