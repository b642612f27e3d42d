"""The runner of recordings can fail: a broken file, a difference beside a rule, a rule that meets more or less."""

from __future__ import annotations

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
