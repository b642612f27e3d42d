"""Sign-in by cookie: what holds, what ends it, and what a page of somebody else can do with it."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.api import users as people
from bridge.api.exchange import Answer
from bridge.api.guard import Guard
from bridge.api.sessions import IDLE, LONGEST, RENEW_AFTER, Sessions
from bridge.api.users import Role, User, UsersFile, hash_password
from tests.support.memory_worker import JSON, WORKER, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

HASHED = {name: hash_password(name) for name in ("ann", "ben", "other")}
PATH = "/bridge/v1/session"
EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(people, "_LOOK_EVERY", 0.0)
    path = tmp_path / "users"
    path.write_text(f"ann:{HASHED['ann']}\nben:{HASHED['ben']}:read\n")
    return path


@pytest.fixture
def worker(file: Path) -> Iterator[MemoryWorker]:
    worker = MemoryWorker(stubs(World()), UsersFile(str(file)))
    yield worker
    worker.stop()


def ask(worker: MemoryWorker, method: str, path: str, body: object = None, **headers: str) -> Answer:
    given = {**JSON, **{name.replace("_", "-"): text for name, text in headers.items()}}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return worker.site.answer(method, path, given, raw, f"http://{WORKER}")


def sign_in(worker: MemoryWorker, name: str = "ann") -> tuple[str, str]:
    """The cookie as a browser sends it, and the proof."""
    answer = ask(worker, "POST", PATH, {"name": name, "password": name})
    assert answer.status == 200, answer
    return answer.headers["Set-Cookie"].partition(";")[0], json.loads(answer.content())["token"]


def test_a_browser_signs_in_looks_changes_and_signs_out(worker: MemoryWorker) -> None:
    answer = ask(worker, "POST", PATH, b"name=ann&password=ann", **FORM)
    cookie = answer.headers["Set-Cookie"]
    name, _, rest = cookie.partition("=")
    assert name.startswith("sfbridge-")
    assert name.endswith("-8083"), "cookies ignore ports"
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(rest.split("; "))
    assert answer.headers["Cache-Control"] == "no-store"
    sent = {"cookie": f"theme=dark; {cookie.partition(';')[0]}"}
    me = json.loads(ask(worker, "GET", PATH, **sent).content())
    assert (me["name"], me["role"], me["users"]) == ("ann", "write", True)
    assert me["roles"] == ["read", "records", "write"]
    made = {"name": "one", "config": EMPTY}
    refused = ask(worker, "POST", "/connectors", made, **sent)
    assert refused.status == 403
    assert "x-sfbridge-token" in refused.content().decode()
    for wrong in ("", "x", me["token"][:-1], "é"):
        assert ask(worker, "POST", "/connectors", made, **sent, x_sfbridge_token=wrong).status == 403
    assert ask(worker, "POST", "/connectors", made, **sent, x_sfbridge_token=me["token"]).status == 201
    assert ask(worker, "DELETE", PATH, **sent).status == 403
    ended = ask(worker, "DELETE", PATH, **sent, x_sfbridge_token=me["token"])
    assert (ended.status, "Max-Age=0" in ended.headers["Set-Cookie"]) == (204, True)
    assert ask(worker, "GET", "/connectors", **sent).status == 401, (
        "the token itself has ended, not only the cookie"
    )


def test_over_tls_the_cookie_is_of_this_host_alone(worker: MemoryWorker) -> None:
    body = json.dumps({"name": "ann", "password": "ann"}).encode()
    answer = worker.site.answer("POST", PATH, JSON, body, f"https://{WORKER}")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-sfbridge-")
    assert "; Secure" in cookie
    sent = {"cookie": cookie.partition(";")[0]}
    assert ask(worker, "GET", "/connectors", **sent).status == 200


def test_a_session_of_another_port_or_group_is_none(worker: MemoryWorker) -> None:
    cookie, _ = sign_in(worker)
    name, _, token = cookie.partition("=")
    for other in (name.replace("8083", "8084"), "sfbridge", f"x{name}"):
        assert ask(worker, "GET", "/connectors", cookie=f"{other}={token}").status == 401
    elsewhere = Sessions.alone("group").begin("ann", User(HASHED["ann"]))
    assert elsewhere is not None
    assert ask(worker, "GET", "/connectors", cookie=f"{name}={elsewhere.token}").status == 401


@pytest.mark.parametrize("change", ["password", "role", "gone"])
def test_a_change_of_the_user_ends_it(change: str, worker: MemoryWorker, file: Path) -> None:
    cookie, _ = sign_in(worker)
    ben, _ = sign_in(worker, "ben")
    lines = {"password": f"ann:{HASHED['other']}", "role": f"ann:{HASHED['ann']}:records", "gone": "# nobody"}
    file.write_text(f"{lines[change]}\nben:{HASHED['ben']}:read\n")
    assert ask(worker, "GET", "/connectors", cookie=cookie).status == 401
    assert ask(worker, "GET", "/connectors", cookie=ben).status == 200


def test_a_users_file_that_is_broken_changes_nothing(worker: MemoryWorker, file: Path) -> None:
    cookie, _ = sign_in(worker)
    file.write_text("ann:plain\n")
    assert ask(worker, "GET", "/connectors", cookie=cookie).status == 200
    header = "Basic " + base64.b64encode(b"ann:ann").decode()
    assert ask(worker, "GET", "/connectors", authorization=header).status == 200
    file.write_text(f"ann:{HASHED['other']}\n")
    assert ask(worker, "GET", "/connectors", authorization=header).status == 401, (
        "nor is a password remembered"
    )


def test_a_token_that_was_touched_is_none(worker: MemoryWorker) -> None:
    cookie, _ = sign_in(worker, "ben")
    name, _, token = cookie.partition("=")
    said, _, signature = token.partition(".")
    content = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps({**content, "name": "ann"}).encode()).decode().rstrip("=")
    for wrong in (
        f"{forged}.{signature}",
        said,
        f"{said}.",
        f".{signature}",
        token[:-1],
        "é.é",
        "",
        "a" * 5000,
    ):
        assert ask(worker, "GET", "/connectors", cookie=f"{name}={wrong}").status == 401


def test_it_ends_when_idle_and_at_the_latest_after_twelve_hours() -> None:
    now, users = [1_000_000.0], {"ann": User(HASHED["ann"])}
    sessions = Sessions(
        "g", lambda: b"k" * 32, lambda digest, until: None, lambda digest: False, lambda: now[0]
    )
    session = sessions.begin("ann", users["ann"])
    assert session is not None
    assert sessions.renewed(session, users) is None, "not with each request"
    now[0] += IDLE - 1
    assert sessions.check(session.token, users) is not None
    now[0] += 1
    assert sessions.check(session.token, users) is None
    now[0] = 1_000_000.0
    while now[0] < 1_000_000 + LONGEST - RENEW_AFTER:
        now[0] += RENEW_AFTER
        younger = sessions.renewed(session, users)
        assert younger is not None
        assert younger.proof == session.proof, "pages that are open go on"
        session = younger
        assert sessions.check(session.token, users) is not None
    now[0] = 1_000_000 + LONGEST
    assert sessions.check(session.token, users) is None


def test_a_request_renews_the_cookie(worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, _ = sign_in(worker)
    assert "Set-Cookie" not in ask(worker, "GET", "/connectors", cookie=cookie).headers
    then = time.time() + RENEW_AFTER + 1
    monkeypatch.setattr(worker.sessions, "now", lambda: then)
    younger = ask(worker, "GET", "/connectors", cookie=cookie).headers["Set-Cookie"].partition(";")[0]
    assert younger != cookie
    assert ask(worker, "GET", "/connectors", cookie=younger).status == 200


def test_guessing_is_slowed_down_and_locks_nobody_else_out(worker: MemoryWorker) -> None:
    body = json.dumps({"name": "ann", "password": "wrong"}).encode()

    def attempt(address: str, raw: bytes) -> Answer:
        route = worker.site.route("POST", PATH, JSON, None)
        assert not isinstance(route, Answer)
        return worker.site.carry(route, PATH, JSON, raw, f"http://{WORKER}", address)

    statuses = [attempt("192.0.2.1", body).status for _ in range(10)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    right = json.dumps({"name": "ann", "password": "ann"}).encode()
    assert attempt("192.0.2.1", right).status == 429
    assert int(attempt("192.0.2.1", right).headers["Retry-After"]) <= 60
    assert attempt("192.0.2.2", right).status == 200


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"name": "ann"}, {"name": 1, "password": "x"}, {"name": "ann", "password": "x", "z": 1}],
)
def test_a_sign_in_that_is_none_is_said_to_be(body: object, worker: MemoryWorker) -> None:
    assert ask(worker, "POST", PATH, body).status == 400


def test_a_page_of_ours_gets_no_dialog_of_the_browser(worker: MemoryWorker) -> None:
    assert "WWW-Authenticate" in ask(worker, "GET", "/connectors").headers
    ours = ask(worker, "GET", "/connectors", sec_fetch_site="same-origin")
    assert (ours.status, "WWW-Authenticate" in ours.headers) == (401, False)


def test_a_foreign_page_can_use_no_sign_in(worker: MemoryWorker) -> None:
    cookie, proof = sign_in(worker)
    for stranger in (
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://evil.example"},
        {"sec_fetch_site": "same-site"},
    ):
        for path, method in (("/connectors/one/restart", "POST"), (PATH, "POST"), ("/connectors", "GET")):
            sent = {"cookie": cookie, "x_sfbridge_token": proof, **stranger}
            assert ask(worker, method, path, **sent).status == 403, (stranger, path)


def test_where_there_are_no_users_everybody_may_do_everything() -> None:
    guard = Guard({}, frozenset())
    visitor = guard.visitor({})
    assert visitor is not None
    assert (visitor.name, visitor.role) == ("", Role.WRITE)


def test_what_was_of_this_host_alone_stays_so(worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of ours speaks TLS, and a GET has no Origin that would say so."""
    body = json.dumps({"name": "ann", "password": "ann"}).encode()
    answer = worker.site.answer("POST", PATH, JSON, body, f"https://{WORKER}")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    then = time.time() + RENEW_AFTER + 1
    monkeypatch.setattr(worker.sessions, "now", lambda: then)
    younger = ask(worker, "GET", "/connectors", cookie=cookie).headers["Set-Cookie"]
    assert younger.startswith("__Host-")
    assert "; Secure" in younger
