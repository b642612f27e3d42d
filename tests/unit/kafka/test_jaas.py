"""JAAS lines: whatever Kafka's Java clients accept is read, and nothing of a password gets into a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka import jaas

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (f'{PLAIN} required username="u" password="p";', {"username": "u", "password": "p"}),
        (f"{PLAIN} required username='u' password='p;=\"';", {"username": "u", "password": 'p;="'}),
        (f"  {PLAIN}\n\tREQUIRED\n username = u\n password=p  ; ", {"username": "u", "password": "p"}),
        (f'{PLAIN} required password="a\\"b\\\\c\\144";', {"password": 'a"b\\cd'}),
        (
            f'{PLAIN} required /* who */ username="u" // end\n password="p";',
            {"username": "u", "password": "p"},
        ),
        (f"{PLAIN} sufficient ;", {}),
    ],
)
def test_accepted(text: str, options: dict[str, str]) -> None:
    config = jaas.parse(text)
    assert (config.module, config.simple_name, config.options) == (PLAIN, "PlainLoginModule", options)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must begin with a login module"),
        (PLAIN, "must begin with a login module"),
        (f'{PLAIN} username="u" password="geheim";', "must begin with a login module"),
        (f'{PLAIN} required username="u" password="geheim"', "no ';'"),
        (f'{PLAIN} required username="u" password="geheim;', "quotes are not closed"),
        (f"{PLAIN} required username=u password=geh;eim;", "more than one login module"),
        (f'{PLAIN} required username="u" password;', "no value for password"),
        (f'{PLAIN} required username= password="geheim";', "no value for|without an option"),
        (f"{PLAIN} required username==geheim;", "no value for username"),
        (f'{PLAIN} required "geheim";', "without an option"),
    ],
)
def test_refused_without_quoting_it(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        jaas.parse(text)
    assert "geh" not in str(caught.value)


_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,10}", fullmatch=True)


@given(st.dictionaries(_NAMES, st.text(), max_size=5))
def test_every_quoted_value_comes_back(options: dict[str, str]) -> None:
    def quote(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = f"{PLAIN} required {' '.join(f'{k}={quote(v)}' for k, v in options.items())};"
    assert jaas.parse(text).options == options


def outcome(text: str) -> str | None:
    try:
        jaas.parse(text)
    except ValueError as error:
        return str(error)
    return None


@given(st.text(alphabet=st.sampled_from(f"{PLAIN} required=;\"'\\/*\n01378xyz"), max_size=80))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    for attempt in (text, f"{PLAIN} required {text}", f"{PLAIN} required {text};"):
        reason = outcome(attempt)
        assert reason is None or reason.startswith(("must ", "has ", "holds "))


def test_representation_shows_no_value() -> None:
    assert "geheim" not in repr(jaas.parse(f'{PLAIN} required password="geheim";'))
