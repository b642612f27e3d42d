"""How answers travel: ETags, compression, and what a HEAD gets."""

import gzip
import json
from collections.abc import Iterator

import pytest
import requests

from bridge.api.exchange import Answer
from bridge.api.representation import represented
from tests.support.memory_worker import MemoryWorker
from tests.vectors.connect_stubs import World, stubs

BIG = Answer(200, {"names": [f"connector-{number}" for number in range(200)]})


@pytest.fixture
def url() -> Iterator[str]:
    worker = MemoryWorker(stubs(World()))
    for number in range(60):
        config = {"connector.class": "EmptyPartitionSource", "topic": "t"}
        worker.herder.create(f"connector-with-a-long-name-{number}", config, "STOPPED")
    with worker.served() as url:
        yield url
    worker.stop()


def test_what_a_client_has_is_not_sent_again(url: str) -> None:
    first = requests.get(f"{url}/connectors", timeout=20)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    for given in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = requests.get(f"{url}/connectors", headers={"If-None-Match": given}, timeout=20)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = requests.get(f"{url}/connectors?expand=status", headers={"If-None-Match": tag}, timeout=20)
    assert other.status_code == 200
    assert other.headers["ETag"] != tag


def test_large_answers_are_compressed_for_those_who_take_it(url: str) -> None:
    plain = requests.get(f"{url}/connectors", headers={"Accept-Encoding": "identity"}, timeout=20)
    packed = requests.get(f"{url}/connectors", headers={"Accept-Encoding": "gzip"}, timeout=20)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.json() == plain.json()
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3
    assert packed.headers["ETag"] == plain.headers["ETag"]
    head = requests.head(f"{url}/connectors", headers={"Accept-Encoding": "gzip"}, timeout=20)
    assert (head.status_code, head.content) == (200, b"")
    assert requests.get(f"{url}/health", timeout=20).headers.get("Content-Encoding") is None


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
    ],
)
def test_who_takes_gzip(accepted: str, packed: bool) -> None:
    answer = represented(BIG, "GET", {"accept-encoding": accepted})
    assert ("Content-Encoding" in answer.headers) is packed
    content = gzip.decompress(answer.content()) if packed else answer.content()
    assert json.loads(content) == BIG.body


def test_only_what_was_asked_for_and_is_there_has_a_tag() -> None:
    for method, answer in (("POST", BIG), ("GET", Answer(404, {"message": "no"})), ("GET", Answer(204))):
        assert represented(answer, method, {"accept-encoding": "gzip"}) is answer
