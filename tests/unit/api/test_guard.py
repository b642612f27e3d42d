"""Who is let in, as what, and from which pages."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.api import guard as module
from bridge.api import users as people
from bridge.api.build import own_origins
from bridge.api.guard import Guard, Visitor
from bridge.api.server import Listener
from bridge.api.users import Role, User, hash_password, read_users
from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.errors import ConfigurationError
from tests.support.bridge_run import wait_until
from tests.support.memory_worker import GOOD, JSON, WORKER, MemoryWorker
from tests.unit.api.plugins import every_plugin

CLOUD = "/connect/v1/environments/e/clusters/c/connectors"
EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}
HASHES = {word: hash_password(word) for word in ("secret", "token", "look")}
LINES = f"""# people
key:{HASHES["secret"]}
looker:{HASHES["look"]}:read
reader:{HASHES["look"]}:records
writer:{HASHES["look"]}:write
bearer-ci:{HASHES["token"]}:read
"""

Users = Callable[[str], dict[str, User]]


@pytest.fixture
def users(tmp_path: Path) -> Users:
    def read(text: str) -> dict[str, User]:
        (tmp_path / "users").write_text(text)
        return read_users(str(tmp_path / "users"))

    return read


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def role(guard: Guard, headers: dict[str, str]) -> Role | None:
    visitor = guard.visitor(headers)
    return None if visitor is None else visitor.role


def test_who_is_let_in_and_as_what(users: Users) -> None:
    guard = Guard(users(LINES), frozenset({"localhost"}))
    assert role(guard, basic("key", "secret")) is Role.WRITE, (
        "no role is all, as it was before there were any"
    )
    assert role(guard, basic("looker", "look")) is Role.READ
    assert role(guard, basic("reader", "look")) is Role.RECORDS
    assert role(guard, basic("writer", "look")) is Role.WRITE
    assert role(guard, {"authorization": "Bearer token"}) is Role.READ
    assert isinstance(remembered := guard.recall(basic("looker", "look")), Visitor)
    assert (remembered.name, remembered.role) == ("looker", Role.READ)
    for nobody in (
        basic("key", "wrong"),
        basic("who", "secret"),
        {"authorization": "Basic ?"},
        {"authorization": "Basic \udcff"},
        {"authorization": "Bearer secret"},
        {"authorization": "Bearer "},
        {"authorization": ""},
        {},
    ):
        assert role(guard, nobody) is None
        assert guard.recall(nobody) is False, "nobody is asked twice"
    assert role(Guard({}, frozenset()), {}) is Role.WRITE


@pytest.mark.parametrize(
    "line", ["key:plain", "key:scrypt:00:00", ":" + HASHES["look"], "key:scrypt:zz:" + "0" * 64]
)
def test_a_line_that_is_none_is_named(line: str, users: Users) -> None:
    with pytest.raises(ConfigurationError, match=r"line 2 is no 'name:hash\[:role\]'"):
        users(f"# first\n{line}\n")


def test_a_role_that_is_none_is_named(users: Users) -> None:
    with pytest.raises(ConfigurationError, match="line 1 gives a role that is none of read, records, write"):
        users(f"key:{HASHES['look']}:admin\n")
    with pytest.raises(ConfigurationError, match="names nobody"):
        users("# nobody\n")


def test_an_unknown_name_costs_what_a_known_one_costs(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(users(LINES), frozenset())
    counted: list[int] = []
    real = people._scrypt
    monkeypatch.setattr(people, "_scrypt", lambda *given: (counted.append(1), real(*given))[1])
    role(guard, basic("key", "wrong"))
    known, counted[:] = len(counted), []
    role(guard, basic("nobody-of-that-name", "wrong"))
    assert len(counted) == known == 1


@pytest.mark.parametrize(
    "host",
    [
        "localhost:@evil.com",
        "localhost:80@evil.com",
        "evil.com",
        "localhost:8083.evil.com",
        "localhost:x",
        "localhost/..",
        "localhost, evil.com",
        "[::1",
        "[::1]evil",
        "",
    ],
)
def test_a_host_that_is_none_of_ours(host: str) -> None:
    guard = Guard({}, frozenset({"localhost", "::1"}))
    refusal = guard.stranger({"host": host}, "http")
    assert refusal is not None
    assert refusal[0] == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8083", "[::1]:8083", "[::1]"])
def test_a_host_of_ours(host: str) -> None:
    assert Guard({}, frozenset({"localhost", "::1"})).stranger({"host": host}, "http") is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"origin": "http://localhost:8083"}, None),
        ({"origin": "HTTP://LOCALHOST:8083"}, None),
        ({"origin": "https://bridge.example.com"}, None),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://localhost:8084"}, 403),
        ({"origin": "https://localhost:8083"}, 403),
        ({"origin": "http://bridge.example.com"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://localhost:8083, https://evil.example"}, 403),
        ({"sec-fetch-site": "same-origin"}, None),
        ({"sec-fetch-site": "none"}, None),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost:8083", "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_pages_of_other_origins(headers: dict[str, str], status: int | None) -> None:
    guard = Guard(
        {}, frozenset({"localhost"}), frozenset({module.origin_of("https", "bridge.example.com:443")})
    )
    refusal = guard.stranger({"host": "localhost:8083", **headers}, "http")
    assert (None if refusal is None else refusal[0]) == status


def test_what_is_advertised_is_an_origin_of_ours() -> None:
    given = {"rest.advertised.host.name": "bridge.example.com", "rest.advertised.listener": "https"}
    first = Listener("https", "bridge.example.com", 8083)
    assert own_origins(config_of(given, WORKER_PROPERTIES), first) == {
        "https://bridge.example.com",
        "https://bridge.example.com:8083",
    }
    given["rest.advertised.port"] = "443"
    first = Listener("https", "bridge.example.com", 443)
    assert own_origins(config_of(given, WORKER_PROPERTIES), first) == {"https://bridge.example.com"}


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryWorker]:
    file = tmp_path_factory.mktemp("users") / "users"
    file.write_text(LINES)
    plugins = every_plugin()
    worker = MemoryWorker(plugins, read_users(str(file)))
    made = {"name": "one", "config": EMPTY}
    assert worker.ask("POST", "/connectors", made, **basic("key", "secret"))[0] == 201
    made = {"name": "sf", "config": GOOD, "initial_state": "STOPPED"}
    assert worker.ask("POST", "/connectors", made, **basic("key", "secret"))[0] == 201
    # The leader assigns in its own time, which is a record of its own.
    records = worker.configs.records
    wait_until(lambda: records[-1][0] == "bridge-assignment" and b'"sf"' in records[-1][1])
    yield worker
    worker.stop()


@pytest.mark.parametrize(("name", "as_whom"), [("looker", Role.READ), ("reader", Role.RECORDS)])
def test_a_reader_sees_no_secret_and_changes_nothing(name: str, as_whom: Role, worker: MemoryWorker) -> None:
    credentials = basic(name, "look")
    before = (dict(worker.state.configs), dict(worker.state.targets), len(worker.configs.records))
    headers = {**JSON, **credentials}
    for path, handlers in worker.site.table.items():
        name_of_one = "one" if path.endswith("/offsets") else "sf"  # positions are asked of Kafka
        filled = "/" + path.replace("connectors/*", f"connectors/{name_of_one}").replace("*", "0")
        for method in handlers:
            answer = worker.site.answer(method, filled, headers, b"{}", f"http://{WORKER}")
            told = answer.content().decode()
            usual = Role.READ if method == "GET" else Role.WRITE
            needed = worker.site.needs.get((path, method), usual)
            refused = needed is not None and as_whom < needed
            assert (answer.status == 403) is refused, (method, filled)
            assert not refused or f"the role {needed.word}" in told
            for key in ("salesforce.password", "salesforce.consumer.secret", "salesforce.password.token"):
                assert GOOD[key] not in told
    assert (dict(worker.state.configs), dict(worker.state.targets), len(worker.configs.records)) == before
    assert worker.ask("PUT", "/connectors/one/pause", **basic("writer", "look"))[0] == 202


@pytest.mark.parametrize(
    "path", ["/connectors", "/health", "/metrics", "/nowhere", "/bridge/v1/session", "/bridge/v1/no", CLOUD]
)
def test_nobody_learns_anything(path: str, worker: MemoryWorker) -> None:
    for headers in ({}, basic("key", "wrong")):
        answer = worker.site.answer("GET", path, {"host": WORKER, **headers}, b"", f"http://{WORKER}")
        assert (answer.status, answer.headers.get("WWW-Authenticate")) == (401, 'Basic realm="sfbridge"')
