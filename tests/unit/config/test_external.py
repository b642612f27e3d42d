"""References to values that stand elsewhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.external import Provider, Resolver, UnresolvableError, has_reference
from bridge.config.secrecy import is_masked, is_only_reference, without_login


def test_references_anywhere_in_a_value(tmp_path: Path) -> None:
    path = tmp_path / "s.properties"
    path.write_text("a.b=one\nc:d=x\nempty=\n")
    resolver = Resolver({"N": "two", "R": "${env:N}"})
    assert resolver.resolve(f"<${{file:{path}:a.b}}-${{env:N}}-${{file:{path}:empty}}>") == "<one-two->"
    assert resolver.resolve("${env:R}") == "${env:N}", "what is filled in is not looked at again"


@pytest.mark.parametrize(
    "text", ["plain", "$", "${}", "${x}", "${_ObjectType}", "$1:$2", "{env:N}", "${env:N"]
)
def test_what_is_no_reference_stays(text: str) -> None:
    assert not has_reference(text)
    assert Resolver({}).resolve(text) == text


def test_a_directory_gives_a_files_text_and_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_text("v")
    (tmp_path / "secret").write_text("s")
    resolver = Resolver({}, {"dir": Provider("directory")})
    assert resolver.resolve(f"${{dir:{tmp_path}/a:f}}") == "v"
    for key in ("../secret", "..", "", "missing"):
        with pytest.raises(UnresolvableError):
            resolver.resolve(f"${{dir:{tmp_path}/a:{key}}}")


def test_a_broken_file_is_named_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "s.properties"
    path.write_text("hunter2=\\u12")
    with pytest.raises(UnresolvableError) as error:
        Resolver({}).resolve(f"${{file:{path}:k}}")
    assert str(path) in str(error.value)
    assert "hunter2" not in str(error.value)


@given(st.text(alphabet="${}envfile:/x. ", max_size=30))
def test_any_text_resolves_or_says_why(text: str) -> None:
    try:
        Resolver({"x": "y"}).resolve(text)
    except UnresolvableError as reason:
        message = str(reason)
    else:
        message = "fine"
    assert message


def test_masks_and_what_may_be_shown() -> None:
    assert is_masked(" ******** ")
    assert is_masked("[hidden]")
    assert not is_masked("***")
    assert is_only_reference("${env:A}${file:/x:y}")
    assert not is_only_reference("x${env:A}")
    assert not is_only_reference("${env}")
    assert without_login("a http://u:p@h:1,https://x@y/z b") == "a http://****@h:1,https://****@y/z b"
