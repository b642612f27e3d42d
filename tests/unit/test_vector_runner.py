"""The runner of recordings can fail: a broken file, a difference beside a rule, a rule that meets more or less."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.vectors import __main__ as runner
from tests.vectors.__main__ import HERE, Rule, main, run


def test_a_file_that_cannot_be_read_fails_and_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, good = tmp_path / "avro-broken.json", HERE / "connect-layout" / "avro-default.json"
    broken.write_text('{"format": "AVRO"}')
    assert main(["layout", str(tmp_path / "none.json"), str(broken), str(good)]) == 1
    out = capsys.readouterr().out
    assert "none.json: the file: cannot be read to its end: FileNotFoundError" in out
    assert "avro-broken.json: the file" in out
    passed = run("layout", [good]).passed
    assert out.endswith(f"{passed} passed, 2 failed\n")


def test_what_is_set_aside_is_printed_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a file that is not the project's own, too: nothing is passed over without a word."""
    copied = tmp_path / "another-name.json"
    shutil.copy(HERE / "csfle" / "avro-record-tag.json", copied)
    tally = run("csfle", [copied])
    assert (tally.failed, tally.set_aside) == (0, 1)
    assert "another-name.json: refused.stray-tag[0]: set aside, a tag on a record" in capsys.readouterr().out


@pytest.mark.parametrize(
    "own",
    [{}, {"avro-record-tag.json": ["refused.stray-tag[0]", "refused.stray-tag[1]"]}],
    ids=["more", "less"],
)
def test_a_rule_names_each_comparison_of_the_projects_own_files(
    own: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = Rule("csfle", "*", "refused.stray-tag*", "wanted", own)
    monkeypatch.setattr(runner, "rules", lambda name: [rule])
    assert run("csfle", [HERE / "csfle" / "avro-record-tag.json"]).failed == 1


def test_a_tag_on_a_value_that_is_there_is_not_set_aside(tmp_path: Path) -> None:
    """Only a null value, or a record, makes the refusal of a field that cannot be encrypted a wanted difference."""
    text = (HERE / "csfle" / "json-nullable-number-tag.json").read_text()
    assert run("csfle", [HERE / "csfle" / "json-nullable-number-tag.json"]).set_aside == 1
    changed = tmp_path / "changed.json"
    changed.write_text(text.replace('"m": null', '"m": 1'))
    assert changed.read_text() != text
    assert run("csfle", [changed]).failed >= 1


def exchange(method: str, path: str, status: int, body: str, *, asked: str | None = None, kind: str | None = None,
             accept: str = "application/json") -> str:  # fmt: skip
    """One line of a recording of Kafka Connect's REST API."""
    headers = {"Accept": accept, "Content-Type": "application/json"}
    told = {"status": status, "headers": [["Content-Type", kind]] if kind else [], "body": body}
    request = {"method": method, "path": path, "headers": headers, "body": asked}
    return json.dumps({"name": f"{method} {path} {asked}", "request": request, "response": told})


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("Trailing token (of type START_OBJECT) found after value", "{}{}"),
        ("Unexpected close marker '}': no open Object to close", "}"),
        (
            "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
            '{"a":NaN}',
        ),
        ("Unrecognized character escape 'x' (code 120)", '{"a":"\\x"}'),
        ("Illegal unquoted character ((CTRL-CHAR, code 9))", '{"a":"\t"}'),
        ("Document nesting depth (1001) exceeds the maximum allowed", "[" * 100_000),
    ],
)
def test_a_parser_s_500_is_a_client_s_mistake(
    words: str, sent: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.dumps({"error_code": 500, "message": f"{words}\n at [Source: REDACTED]"})
    line = exchange("PUT", "/connectors/x/config", 500, told, asked=sent, kind="application/json")
    assert judged(tmp_path, line) == (0, 1)
    assert "clients-mistake/" in capsys.readouterr().out
    other = exchange("PUT", "/connectors/x/config", 500, '{"error_code":500,"message":"Boom"}', asked=sent)
    assert judged(tmp_path, other) == (1, 0), "any other 500 is a difference"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("untyped-body", exchange("HEAD", "/connectors/x/pause", 405, "")),
        ("bare-refusal", exchange("GET", "/connectors", 400, "", accept=";;")),
        ("bare-refusal", exchange("GET", "/connectors", 400, '{"message":"Bad Request","url":"u","status":"400"}',
                                  accept=";;", kind="application/json")),
        ("type-with-parameters", exchange("GET", "/connectors", 200, "[]", kind="application/json;charset=utf-8")),
    ],
)  # fmt: skip
def test_what_has_no_body_or_another_type_is_judged_by_its_kind(
    kind: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(tmp_path, line) == (0, 1)
    assert f"{kind}/" in capsys.readouterr().out


def test_a_configuration_that_is_not_repeated_is_no_difference(tmp_path: Path) -> None:
    told = '{"error_code":400,"message":"Connector config {name=x, a=1E2} contains no connector type"}'
    line = exchange("PUT", "/connectors/x/config", 400, told, asked='{"a": 1E2}', kind="application/json")
    assert judged(tmp_path, line) == (0, 0)
    wrong = told.replace("contains no", "contains a")
    assert judged(tmp_path, exchange("PUT", "/connectors/x/config", 400, wrong, asked='{"a": 1E2}')) == (1, 0)


def judged(tmp_path: Path, *lines: str) -> tuple[int, int]:
    """How many comparisons fail, and how many are set aside."""
    (tmp_path / "one.jsonl").write_text("\n".join(lines))
    tally = run("connect_rest", [tmp_path / "one.jsonl"])
    return tally.failed, tally.set_aside
