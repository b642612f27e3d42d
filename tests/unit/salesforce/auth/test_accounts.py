"""One login for all connectors of a process whose login settings are equal, and what of it is shared."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path

import pytest

from bridge import log
from bridge.errors import Fatal, Retriable
from bridge.salesforce import accounts
from bridge.salesforce.auth import Login
from bridge.salesforce.token import Session
from tests.support.web_server import Answer, Request, Web
from tests.unit.salesforce.auth.endpoint import DATA, connector, refusal, reply


def all_at_once(logins: list[Login]) -> list[object]:
    """What each of them got, asked by as many threads."""
    outcomes: list[object] = [None] * len(logins)
    gate = threading.Barrier(len(logins))

    def ask(number: int) -> None:
        gate.wait()
        try:
            outcomes[number] = logins[number].session()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(logins))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def named(web: Web, number: int, **changes: str) -> Login:
    return Login(connector(web.url, name=f"orders-{number}", **changes))


def test_fifty_connectors_of_one_user_make_one_login(web: Web) -> None:
    logins = [named(web, number) for number in range(50)]
    sessions = all_at_once(logins)
    assert len(web.requests) == 1
    assert len({id(session) for session in sessions}) == 1
    assert isinstance(sessions[0], Session)
    assert sum(login.logins for login in logins) == 1  # as the metric counts them


def test_a_renewal_is_everybody_s(web: Web) -> None:
    first, second = named(web, 1), named(web, 2)
    stale = first.session()
    web.script = lambda request: Answer(reply(web, access_token="00D5g000004XyZz!another"))
    assert first.renew(stale).access_token == "00D5g000004XyZz!another"
    assert second.renew(stale) is first.session()
    assert len(web.requests) == 2


DIFFERENT = {
    "salesforce.username": "other@example.com",
    "salesforce.password": "another-password",
    "salesforce.password.token": "another-token",
    "salesforce.consumer.key": "another-key",
    "salesforce.consumer.secret": "another-secret",
    "connection.timeout": "4321",
}


@pytest.mark.parametrize("key", DIFFERENT)
def test_whoever_logs_in_differently_logs_in_apart(web: Web, key: str) -> None:
    first = named(web, 1)
    second = Login(connector(web.url, name="orders-2", **{key: DIFFERENT[key]}))
    assert first.session() is not second.session()
    assert len(web.requests) == 2


def test_so_does_who_trusts_another_ca_or_goes_through_another_proxy(web: Web, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("one")
    changes: list[dict[str, str]] = [
        {},
        {"bridge.salesforce.ca.file": str(ca)},
        {"http.proxy": "proxy.example.com:3128"},
        {
            "http.proxy": "proxy.example.com:3128",
            "http.proxy.auth.scheme": "BASIC",
            "http.proxy.user": "u",
            "http.proxy.password": "p",
        },
    ]
    logins = [Login(connector(web.url, **given)) for given in changes]
    ca.write_text("another")
    logins.append(Login(connector(web.url, **changes[1])))
    assert len({id(login.account) for login in logins}) == 5


def test_a_keystore_counts_by_what_is_in_it(web: Web, tmp_path: Path) -> None:
    copy = tmp_path / "copy.p12"
    copy.write_bytes((DATA / "sample.p12").read_bytes())
    one, other = (
        Login(connector(web.url, "JWT_BEARER", salesforce__jwt__keystore__path=str(path)))
        for path in (DATA / "sample.p12", copy)
    )
    assert one.account is other.account


def test_a_rate_that_is_exceeded_is_asked_about_once_and_told_to_all(web: Web) -> None:
    web.script = lambda request: refusal("login_rate_exceeded", "login rate exceeded")
    outcomes = all_at_once(
        [named(web, number, salesforce__auth__retries__time__ms="200") for number in range(20)]
    )
    late = named(web, 99, salesforce__auth__retries__time__ms="200")
    with pytest.raises(Retriable) as again:
        late.session()
    assert len(web.requests) == 1
    assert all(isinstance(one, Retriable) and 500 < (one.retry_after or 0) <= 600 for one in outcomes)
    assert 500 < (again.value.retry_after or 0) < 600


def test_a_refusal_is_sent_once_however_many_connectors_have_these_credentials(web: Web) -> None:
    web.script = lambda request: refusal("invalid_grant", "authentication failure")
    outcomes = all_at_once([named(web, number) for number in range(20)])
    assert len(web.requests) == 1
    assert all(isinstance(one, Fatal) and "refuses the login" in one.message for one in outcomes)
    del outcomes
    gc.collect()
    with pytest.raises(Fatal, match="refuses the login"):
        named(web, 77).session()  # comes a moment later
    assert len(web.requests) == 1


def test_who_was_refused_and_is_started_again_asks(web: Web) -> None:
    web.script = lambda request: refusal("invalid_grant", "authentication failure")
    logins = [named(web, number) for number in range(5)]
    all_at_once(logins)
    web.script = lambda request: Answer(reply(web))
    with pytest.raises(Fatal):
        logins[0].session()  # this one remembers
    assert named(web, 3).session()  # a new one of a connector that was told
    assert named(web, 4).session()
    assert len(web.requests) == 2


def test_a_refusal_is_old_after_a_minute(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.script = lambda request: refusal("invalid_grant", "authentication failure")
    with pytest.raises(Fatal):
        named(web, 1).session()
    monkeypatch.setattr(accounts, "REFUSAL_HOLDS", 0.0)
    with pytest.raises(Fatal):
        named(web, 2).session()
    assert len(web.requests) == 2


def test_who_leads_and_stops_leaves_the_login_to_another(web: Web) -> None:
    entered, go = threading.Event(), threading.Event()

    def script(request: Request) -> Answer:
        if len(web.requests) == 1:
            entered.set()
            go.wait(30)
        return Answer(reply(web))

    web.script = script
    leads, follows = named(web, 1), named(web, 2)
    outcomes: dict[str, object] = {}

    def ask(name: str, login: Login) -> None:
        try:
            outcomes[name] = login.session()
        except Retriable as error:
            outcomes[name] = error

    threads = [threading.Thread(target=ask, args=one) for one in (("leads", leads), ("follows", follows))]
    threads[0].start()
    assert entered.wait(30)
    threads[1].start()
    leads.close()
    for thread in threads:
        thread.join(30)
    go.set()
    assert isinstance(outcomes["leads"], Retriable)
    assert isinstance(outcomes["follows"], Session)


def test_tokens_leave_the_mask_with_their_session(web: Web) -> None:
    numbers = iter(range(10_000))
    web.script = lambda request: Answer(
        reply(web, access_token=f"00D5g000004XyZz!token-{next(numbers):05}-x")
    )
    login = named(web, 1)
    session = login.session()
    first = session.access_token
    for _ in range(100):
        assert log.masked(session.access_token) == "****"
        session = login.renew(session)
    assert log.masked(session.access_token) == "****"
    assert log.masked(first) == first
    assert len(log._secrets._values) < 100


def test_an_account_ends_with_the_last_who_holds_it(web: Web) -> None:
    before = len(accounts._accounts)
    login = named(web, 1)
    login.session()
    assert len(accounts._accounts) == before + 1
    del login
    until = time.monotonic() + 10
    while len(accounts._accounts) > before and time.monotonic() < until:
        gc.collect()
    assert len(accounts._accounts) == before
