"""However long a value, however many properties, whatever file is named: an answer comes at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.config import load_worker
from bridge.config.external import Resolver, UnresolvableError, has_reference
from bridge.config.placeholders import every, filled
from bridge.config.topics import TopicTemplate
from bridge.contents import LARGEST, UnusableError, file_content
from bridge.inspection.configuration import config_infos
from bridge.trust.truststore import StoreError, read_file

GOOD = {"connector.class": "SalesforcePlatformEventSource", "name": "x", "kafka.topic": "t"}
WORKER = load_worker(None, environ={"CONNECT_BOOTSTRAP_SERVERS": "127.0.0.1:1"})


@contextmanager
def at_once(seconds: float = 10) -> Iterator[None]:
    """What took minutes takes a hundredth of this."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


ENDLESS = [
    "${" * 60_000,
    "${a:b" * 20_000,
    "${a:" * 60_000,
    "${a:b:" * 20_000,
    "$" * 200_000,
    "${" + "a" * 200_000,
    "${${a:" * 30_000,
]


@pytest.mark.parametrize("text", ENDLESS)
def test_references_without_an_end_are_passed_over_in_one_pass(text: str) -> None:
    with at_once():
        assert not has_reference(text)
        assert Resolver({}).resolve(text) == text
        assert TopicTemplate(text).fields == ()


def test_references_are_found_as_before() -> None:
    resolver = Resolver({"A": "1", "b:c": "2"})
    assert resolver.resolve("x${env:A}y${env:b:c}z${env") == "x1y2z${env"
    assert resolver.resolve("${${env:A}}") == "${1}"
    assert resolver.resolve("${nobody}") == "${nobody}"
    with pytest.raises(UnresolvableError):
        resolver.resolve("${a:b${env:A}")


@pytest.mark.parametrize(
    "key", ["kafka.topic", "salesforce.username", "bridge.schema.contract", "unknown.key"]
)
@pytest.mark.parametrize("text", [ENDLESS[0], ENDLESS[1], "${" * 60_000 + "}", "${a:b" * 20_000 + "}"])
def test_a_value_of_any_length_is_judged_at_once(key: str, text: str) -> None:
    with at_once():
        infos = config_infos({**GOOD, key: text}, WORKER, unknown="warn")
    told = [message for info in infos["configs"] for message in info["value"]["errors"]]
    assert all(len(message) < 2000 for message in told)


def test_thousands_of_unknown_properties_are_named_at_once() -> None:
    unknown = {f"unknown.property.{n}.with.a.name": "x" for n in range(6000)}
    with at_once(20):
        infos = config_infos({**GOOD, **unknown}, WORKER, unknown="warn")
    assert infos["name"]
    unknown = {f"transforms.t.unknown{n}": "x" for n in range(6000)}
    chain = {"transforms": "t", "transforms.t.type": "org.apache.kafka.connect.transforms.Cast$Value"}
    with at_once(20):
        infos = config_infos({**GOOD, **chain, **unknown}, WORKER, unknown="warn")
    assert infos["error_count"] >= 6000


def test_only_regular_files_of_a_sane_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(b"x" * LARGEST)
    (tmp_path / "large").write_bytes(b"x" * (LARGEST + 1))
    os.mkfifo(tmp_path / "pipe")
    assert len(file_content(tmp_path / "good")) == LARGEST
    wrong = {
        "/dev/zero": "no regular file",
        str(tmp_path / "pipe"): "no regular file",
        str(tmp_path): "no regular file|is a directory",
        str(tmp_path / "large"): "larger than 1000000 bytes",
        str(tmp_path / "missing"): "does not exist",
        "a\0b": "not the path of a file",
    }
    with at_once():
        for path, why in wrong.items():
            with pytest.raises(UnusableError, match=why):
                file_content(path)
            with pytest.raises(StoreError, match=why):
                read_file(path)
            if "\0" not in path:
                with pytest.raises(UnresolvableError, match=why):
                    Resolver({}).resolve(f"${{file:{path}:key}}")


def test_placeholders_are_found_up_to_the_last_end() -> None:
    import re

    pattern = re.compile(r"\$\{([^}]*)\}")
    for text in ("", "a", "${a}", "x${a}${b}y", "${a", "${a}${b", "}${a}", "${${a}}"):
        assert [m[1] for m in every(pattern, text)] == pattern.findall(text)
        assert filled(pattern, text, lambda m: "-") == pattern.sub("-", text)
