"""The file in which a worker without a group keeps its records."""

from pathlib import Path

import pytest

from bridge.documents import Broken
from bridge.errors import Fatal, Retriable
from bridge.worker.kept import FileLog
from bridge.worker.records import Record


def opened(path: Path) -> tuple[FileLog, list[Record]]:
    """The log, and what it gives to whoever follows it."""
    taken: list[Record] = []
    return FileLog(path, lambda key, value: taken.append((key, value))), taken


def test_what_was_added_is_there_again_and_what_was_removed_is_not(tmp_path: Path) -> None:
    log, taken = opened(tmp_path / "log")
    log.append([("a", b'{"x":1}'), ("b", b'"\xc3\xa9"')])
    log.append([("a", b'{"x":2}'), ("b", None), ("c", b"3")])
    assert [key for key, _ in taken] == ["a", "b", "a", "b", "c"]
    assert opened(tmp_path / "log")[1] == [("a", b'{"x":2}'), ("c", b"3")]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600, "configurations hold passwords"


def test_a_line_that_a_crash_has_cut_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    path = tmp_path / "log"
    opened(path)[0].append([("a", b"1"), ("b", b"2")])
    path.write_bytes(path.read_bytes()[:-3])
    log, taken = opened(path)
    assert taken == [("a", b"1")]
    log.append([("c", b"3")])
    assert opened(path)[1] == [("a", b"1"), ("c", b"3")]


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"key":"a","value":1}\n{"key":"b",\n{"key":"c","value":3}\n')
    with pytest.raises(Fatal, match=f"line 2 of {path} is no JSON"):
        opened(path)


def test_a_record_that_nobody_takes_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "log"
    opened(path)[0].append([("foreign", b"1"), ("a", b"2")])
    taken = []

    def apply(key: str, value: bytes | None) -> None:
        if key == "foreign":
            raise Broken("is under a key that nobody here writes")
        taken.append(key)

    FileLog(path, apply)
    assert taken == ["a"]
    assert "foreign" in caplog.text


def test_the_file_does_not_grow_without_an_end(tmp_path: Path) -> None:
    log, _ = opened(tmp_path / "log")
    for number in range(3000):
        log.append([("a", b"%d" % number)])
    assert len((tmp_path / "log").read_bytes().splitlines()) < 1100
    assert opened(tmp_path / "log")[1] == [("a", b"2999")]


def test_what_cannot_be_written_was_not(tmp_path: Path) -> None:
    log, taken = opened(tmp_path / "log")
    (tmp_path / "log").unlink()
    (tmp_path / "log").mkdir()
    with pytest.raises(Retriable, match="cannot be written"):
        log.append([("a", b"1")])
    assert taken == []
