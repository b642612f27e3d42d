"""Reading files: every form people have, one sentence for everything else, nothing but ConfigurationError ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import files
from bridge.errors import ConfigurationError
from bridge.inspection.configuration import examine_files
from tests.support.memory_worker import GOOD


def parsed(content: str | bytes, *, wrapped: bool = True) -> dict[str, str]:
    raw = content.encode() if isinstance(content, str) else content
    return dict(files.parse(raw, wrapped=wrapped).values)


FLAT = {"name": "n", "kafka.topic": "t"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(FLAT),
        "\ufeff" + json.dumps(FLAT),
        json.dumps({"name": "n", "config": {"kafka.topic": "t"}}),
        json.dumps({"name": "n", "config": FLAT, "tasks": [], "type": "source"}),
        "name=n\nkafka.topic=t\n",
        "# comment\r\n! another\r\nname : n\r\nkafka.topic   t",
        "name=\\\n   n\nkafka.to\\\n  pic=\\u0074",
    ],
)
def test_every_form_gives_the_same(text: str) -> None:
    assert parsed(text) == FLAT


def test_numbers_and_booleans_are_text_and_null_is_not_given() -> None:
    assert parsed('{"a": 1, "b": true, "c": 1.50, "d": null, "e": false}') == {
        "a": "1",
        "b": "true",
        "c": "1.50",
        "e": "false",
    }


def test_java_escapes() -> None:
    text = r"""
a\ b\:c\=d = \ lead and trail\t
path=C:\\dir
unicode=\u00e9\ud83d\ude00 é
empty
lines=one, \
      two
"""
    assert parsed(text) == {
        "a b:c=d": " lead and trail\t",
        "path": "C:\\dir",
        "unicode": "é😀 é",
        "empty": "",
        "lines": "one, two",
    }


def test_a_key_given_twice_keeps_its_last_value_and_is_named() -> None:
    found = files.parse(b"a=1\nb=2\na=3\n", wrapped=False)
    assert dict(found.values) == {"a": "3", "b": "2"}
    assert "a" in found.notices[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"  \n\t ", "empty"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a": "b"', "not JSON"),
        (b'{"a": "1", "a": "2"}', 'names "a" twice'),
        (b'{"config": {"a": "1", "a": "2"}}', "twice"),
        (b'{"a": "x\x00y"}', "NUL"),
        (b'{"a": "x\\u0000y"}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b"a=\\ud800", "surrogate"),
        (b"a=\\u12", "escape"),
        (b"[1, 2]", "no JSON object"),
        (b"{}", "no properties"),
        (b'{"a": {"b": "c"}}', "an object"),
        (b'{"a": ["b"]}', "a list"),
        (b'{"a": NaN}', "NaN"),
        (b'{"name": "a", "config": {"name": "b"}}', "differently"),
        (b'{"name": "a", "config": {}, "kafka.topic": "t"}', "kafka.topic"),
        (b"[" * 100_000, "deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_that_names_the_file(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "my-connector.json"
    path.write_bytes(content)
    if not content.lstrip().startswith((b"{", b"[", b"\xff")):
        path = path.rename(tmp_path / "my-connector.properties")
    with pytest.raises(ConfigurationError) as error:
        files.read(path, wrapped=True)
    (fault,) = error.value.faults
    assert fault.key.endswith(path.name)
    assert reason in fault.message
    assert "\n" not in fault.message


def test_a_file_named_json_that_holds_something_else_is_not_taken_for_properties(tmp_path: Path) -> None:
    path = tmp_path / "connector.json"
    path.write_text("name: n")
    with pytest.raises(ConfigurationError, match="is not JSON"):
        files.read(path, wrapped=True)


@pytest.mark.parametrize(("name", "reason"), [("missing.json", "does not exist"), (".", "is a directory")])
def test_a_path_that_is_no_file(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        files.read(tmp_path / name, wrapped=True)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.properties"
    path.write_bytes(b"a=" + b"x" * files.MAX_BYTES)
    with pytest.raises(ConfigurationError, match="larger"):
        files.read(path, wrapped=False)


def only_text(content: bytes) -> None:
    reason = None
    try:
        found = files.parse(content, wrapped=True)
    except files.UnreadableError as fault:
        reason = str(fault)
    if reason is not None:
        assert reason
        assert "\n" not in reason
        return
    for key, value in found.values.items():
        (key + value).encode("utf-8")
        assert "\0" not in key + value


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    only_text(content)


@given(st.text(alphabet="ab=: \\\n\r\t\fu0dD8#!é\u2028", max_size=60))
def test_any_properties(text: str) -> None:
    only_text(text.encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "config", "a", ""]), inner)
    ),
    max_leaves=8,
)


@given(JSON, st.integers(min_value=0, max_value=60))
def test_any_json_whole_or_cut_off(document: object, cut: int) -> None:
    text = json.dumps(document)
    only_text(text.encode("utf-8", "surrogatepass"))
    only_text(text[:-cut].encode("utf-8", "surrogatepass"))


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z.]{0,10}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
        min_size=1,
    )
)
def test_properties_written_as_java_does_read_back(values: dict[str, str]) -> None:
    def escaped(value: str) -> str:
        return "".join(
            "".join(f"\\u{unit:04x}" for unit in _utf16(c)) if not ("!" < c < "\x7f") or c in "\\:=#!" else c
            for c in value
        )

    text = "".join(f"{key}={escaped(value)}\n" for key, value in values.items())
    assert parsed(text) == values


def _utf16(character: str) -> list[int]:
    raw = character.encode("utf-16-be")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{\n  "a": "1", // mine\n  "b": "2"\n}',
            "a comment, which JSON does not have, in line 2, column 13",
        ),
        ('{\n  # mine\n  "b": "2"\n}', "a comment, which JSON does not have, in line 2, column 3"),
        ('{"a": 1 /* x */ }', "a comment, which JSON does not have, in line 1, column 9"),
        ('{\n  "a": "1",\n}', "a comma before } in line 2, column 11"),
        ('{"a": [1,]}', "a comma before ] in line 1, column 9"),
        ("{'a': 1}", "single quotes, where JSON has double ones, in line 1, column 2"),
        ('{"a": 1 "b": 2}', "expecting ',' delimiter in line 1, column 9"),
        ("{“a”: 1}", "typographic quotes (“), where JSON has straight ones, in line 1, column 2"),
        ('{"a": «b»}', "typographic quotes («), where JSON has straight ones, in line 1, column 7"),
        (
            '{"a": "b”,\n"c": "d"}',
            "typographic quotes (”), where JSON has straight ones, in line 2, column 1",
        ),
        ('{"a”: "b"}', "typographic quotes (”), where JSON has straight ones, in line 1, column 8"),
        (
            '{"a": "C:\\Users"}',
            "a backslash that begins no escape (write \\\\ or /) in line 1, column 10",
        ),
    ],
)
def test_what_people_write_and_json_lacks_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "connector.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        files.read(path, wrapped=True)
    assert error.value.faults[0].message == f"is not JSON: {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('name=n\n"bootstrap.servers": "x:9092",\n', "holds JSON without braces (line 2)"),
        ("---\nbootstrap.servers: x:9092\n", "is YAML (line 1)"),
        ("# mine\nconnect:\n  group.id: a\n", "is YAML (line 2)"),
        ("a: b\nhosts:\n- x\n", "is YAML (line 3)"),
    ],
)
def test_another_language_in_a_properties_file(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "worker.properties"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        files.read(path, wrapped=False)
    assert error.value.faults[0].message.startswith(reason)


def test_properties_with_colons_are_properties(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    path.write_text("group.id: a\nbootstrap.servers:\\\n  x:9092\nempty:\n")
    assert files.read(path, wrapped=False).values == {
        "group.id": "a",
        "bootstrap.servers": "x:9092",
        "empty": "",
    }


def test_a_windows_path_whose_backslashes_were_escapes(tmp_path: Path) -> None:
    hint = "in a .properties file a backslash is an escape: write C:/… or C:\\\\…"
    connector, worker = tmp_path / "connector.properties", tmp_path / "worker.properties"
    brokers = "bootstrap.servers=127.0.0.1:1\nsecurity.protocol=SSL\n"

    def faults(ours: str, theirs: str) -> dict[str, str]:
        connector.write_text("".join(f"{key}={text}\n" for key, text in GOOD.items()) + ours)
        worker.write_text(brokers + theirs)
        return {fault.key: fault.message for fault in examine_files(connector, worker, {}).faults}

    swallowed, kept = "C:\\Users\\me\\ca.pem", "C:/Users/me/ca.pem"
    for key, ours in (("bridge.salesforce.ca.file", True), ("ssl.truststore.location", False)):
        for path, hinted in ((swallowed, True), (kept, False)):
            line = f"{key}={path}\n"
            message = faults(*((line, "") if ours else ("", line)))[key]
            assert "does not exist" in message
            assert (hint in message) is hinted
    worker.write_text("ssl.truststore.location=C:\\users\\me\n")
    with pytest.raises(ConfigurationError, match="a backslash is an escape here: write / or"):
        files.read(worker, wrapped=False)
