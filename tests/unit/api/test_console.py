"""The console's pages without a browser: a thousand connectors, what is asked of whom, what is served where."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.api.build import has_console
from bridge.api.console import words
from bridge.api.console.forms import config_in
from bridge.api.users import User, hash_password
from bridge.config import Config, config_of
from bridge.config.declarations import WORKER as PROPERTIES
from bridge.log import for_connector
from tests.support.crowd import carry, crowd
from tests.support.memory_worker import JSON, WORKER, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

EVERYWHERE = {"listeners": "http://0.0.0.0:8083"}
HTML = {"host": WORKER, "accept": "text/html", "accept-encoding": "gzip"}


@pytest.fixture
def worker() -> MemoryWorker:
    worker = MemoryWorker(stubs(World()))
    worker.stop()
    return worker


def page(worker: MemoryWorker, path: str, **headers: str) -> tuple[int, bytes, Any]:
    answer = worker.site.answer("GET", path, {**HTML, **headers}, b"", f"http://{WORKER}")
    return answer.status, answer.content(), answer


def test_a_page_of_a_thousand_connectors_is_small_and_quick(worker: MemoryWorker) -> None:
    everyone = crowd(worker, 1_000)
    for _ in range(60):
        carry(everyone, 20)
        worker.watch.sampler.tick(worker.state.configs, time.time())
    page(worker, "/console/")
    took = []
    for _ in range(7):
        time.sleep(0.02)
        started = time.thread_time()
        status, content, answer = page(worker, "/console/rows?sort=-lag")
        took.append(time.thread_time() - started)
        assert status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(content) <= 60_000
    assert gzip.decompress(content).count(b'scope="row"') == 100
    assert min(took) <= 0.2, f"{min(took) * 1000:.0f} ms of server time"  # 100 ms where nothing else runs


def test_somebody_unknown_is_led_to_the_sign_in_and_a_part_of_a_page_with_them(worker: MemoryWorker) -> None:
    worker.site.guard.users = {"ada": User(hash_password("secret"))}
    status, _, answer = page(worker, "/console/connectors/a%3Fb")
    assert (status, answer.headers["Location"]) == (
        303,
        "/console/sign-in?to=%2Fconsole%2Fconnectors%2Fa%253Fb",
    )
    status, _, answer = page(worker, "/console/rows", **{"hx-request": "true"})
    assert (status, answer.headers["HX-Redirect"]) == (401, "/console/sign-in")
    assert page(worker, "/console/sign-in")[0] == 200
    assert worker.site.answer("GET", "/connectors", JSON, b"", f"http://{WORKER}").status == 401


def test_what_is_not_there_is_a_page_for_a_person_and_json_for_a_program(worker: MemoryWorker) -> None:
    status, content, _ = page(worker, "/console/connectors/none")
    assert status == 404
    assert b"<!doctype html>" in content
    assert worker.ask("GET", "/connectors/none")[1]["error_code"] == 404


@pytest.mark.parametrize(
    ("more", "served"),
    [
        ({}, True),
        ({**EVERYWHERE, "bridge.rest.allow.anonymous": "true"}, False),
        ({**EVERYWHERE, "bridge.rest.users.file": "USERS"}, True),
        ({"bridge.console.enable": "false"}, False),
        (
            {
                "listeners": "http://0.0.0.0:8083",
                "bridge.rest.allow.anonymous": "true",
                "bridge.console.enable": "true",
            },
            True,
        ),
    ],
)
def test_it_is_served_where_it_is_asked_who_somebody_is_or_on_loopback(
    more: dict[str, str], served: bool, tmp_path: Path
) -> None:
    (tmp_path / "users").write_text("")
    given = {key: str(tmp_path / "users") if text == "USERS" else text for key, text in more.items()}
    config: Config = config_of({"bootstrap.servers": "b:1", **given}, PROPERTIES)
    assert has_console(config) is served


def test_an_empty_secret_stays_what_it_was_and_nothing_that_is_stored_is_lost() -> None:
    stored = {"salesforce.password": "****************", "kafka.topic": "t", "transforms.x.odd": "kept"}
    given = {
        "c.salesforce.password": "",
        "c.kafka.topic": "other",
        "c.transforms.x.odd": "kept",
        "c.empty": " ",
    }
    assert config_in(given, stored) == {
        "salesforce.password": "****************",
        "kafka.topic": "other",
        "transforms.x.odd": "kept",
    }
    assert config_in({**given, "c.salesforce.password": "new"}, stored)["salesforce.password"] == "new"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.0042, "4 ms"), (2.54, "2.5 s"), (59, "59 s"), (240, "4 min"), (90_000, "25 h")],
)
def test_durations_are_short(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0"), (1280, "1,280"), (12.44, "12.4"), (0.5, "0.5"), (123.4, "123")]
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert words.quantity(value) == text


def test_no_template_needs_what_the_policy_refuses() -> None:
    """Inline styles and scripts, and htmx's ways to evaluate."""
    folder = Path(__file__).parents[3] / "bridge" / "api" / "console"
    for template in (folder / "templates").iterdir():
        text = template.read_text()
        for word in (" style=", "<script>", "onclick", "hx-on", "js:", "javascript:", 'trigger="every'):
            assert word not in text, f"{template.name}: {word}"
        assert "|safe" not in text, f"{template.name} lets text through as it is"


def text_of(worker: MemoryWorker, path: str) -> str:
    status, content, _ = page(worker, path, **{"accept-encoding": "identity"})
    assert status == 200
    return content.decode()


def test_the_facts_of_a_log_line_stand_on_a_line_of_their_own(worker: MemoryWorker) -> None:
    crowd(worker, 1)
    worker.watch.lines.install()
    try:
        for_connector("orders-0000").warning("some events are missing", extra={"replay_id": 0})
    finally:
        worker.watch.lines.remove()
    told = text_of(worker, "/console/connectors/orders-0000/log")
    assert "some events are missing\nreplay_id=0</pre>" in told


def test_what_is_counted_since_the_start_is_told_from_what_lies_in_the_topic(worker: MemoryWorker) -> None:
    crowd(worker, 1)
    assert "since a connector&#39;s last start" in text_of(worker, "/console/").replace("'", "&#39;")
    assert "Dead letters since its start" in text_of(worker, "/console/connectors/orders-0000")
    assert "of earlier starts, too" in text_of(worker, "/console/connectors/orders-0000/letters")
