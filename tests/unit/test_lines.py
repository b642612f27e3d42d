"""The last lines of the log: bounded, masked, nothing below what may speak."""

import logging
from collections.abc import Iterator

import pytest

from bridge.lines import Lines
from bridge.log import for_connector, forget_secrets, register_secrets


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    kept = Lines()
    kept.install()
    with caplog.at_level(logging.DEBUG):
        yield kept
    kept.remove()
    forget_secrets()


def told(lines: Lines, connector: str | None = None) -> list[str]:
    return [str(line.document()["message"]) for line in lines.after(None, 0, 10_000, connector).lines]


def test_a_secret_is_masked_also_where_it_became_known_later(lines: Lines) -> None:
    register_secrets(["hush-hush"])
    for_connector("a").info("it is hush-hush", extra={"why": "hush-hush"})
    for_connector("a").info("later: whisper-it")
    register_secrets(["whisper-it"])
    text = str([line.document() for line in lines.after(None, 0, 10).lines])
    assert "hush" not in text
    assert "whisper" not in text
    assert told(lines, "a") == ["it is ****", "later: ****"]


def test_what_others_say_below_a_warning_is_not_kept(lines: Lines) -> None:
    logging.getLogger("botocore").debug("the plaintext key")
    logging.getLogger("urllib3").info("a request")
    logging.getLogger("urllib3").warning("a warning")
    assert told(lines) == ["a warning"]


def test_a_loud_connector_takes_no_room_of_another(lines: Lines) -> None:
    for_connector("quiet").info("once")
    for _ in range(2_000):
        for_connector("loud").info("x" * 5_000)
    assert told(lines, "quiet") == ["once"]
    kept = lines.after(None, 0, 10_000).lines
    assert sum(len(line.message) for line in kept) < 600_000
    assert sum(map(len, told(lines, "loud"))) < 40_000
    assert max(len(line.message) for line in kept) == 4096
    lines.forget(["loud"])
    assert told(lines, "quiet") == []
