"""Users' patterns: what ``re`` says, but never for long, and never alone."""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadRecord, ConfigurationError, Stage
from bridge.java import limited
from bridge.java.exceptions import JavaError
from bridge.java.limited import Limited
from bridge.java.regex import Pattern
from bridge.transforms.configuration import chain_of
from bridge.transforms.record import ConnectRecord

NEVER = [
    r"(a+)+$x",
    r"(?:a|aa)+b",
    r"(([a-zA-Z ]+)*)+#",
    r"(a*)*\1b",
    "a?" * 40 + "a" * 40 + "b",
    r"(.*,){30}x",
    r"(?:a?){60}a{60}b",
]


@pytest.mark.parametrize("pattern", NEVER)
@pytest.mark.parametrize("search", [True, False])
def test_no_pattern_takes_long(pattern: str, search: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "SECONDS", 0.3)
    compiled, text = Limited(pattern), "a" * 60 + "," * 60
    began = time.monotonic()
    with suppress(JavaError):
        assert (compiled.search(text) if search else compiled.fullmatch(text)) is None
    assert time.monotonic() - began < 20


def test_a_match_that_takes_too_long_is_a_bad_record_without_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limited, "SECONDS", 0.2)
    chain = chain_of(
        {
            "transforms": "f",
            "transforms.f.type": "io.confluent.connect.transforms.Filter$Value",
            "transforms.f.filter.condition": r"$[?(@.Comment__c =~ /(?:a|a?a)+(?:b|bb)+c/)]",
            "transforms.f.filter.type": "include",
        }
    )
    record = ConnectRecord("t", None, {"Comment__c": "a" * 5000 + "b" * 5000})
    with pytest.raises(
        BadRecord, match=r"transforms\.f: the pattern .* was matched for more than"
    ) as refused:
        chain.apply(record)
    assert refused.value.stage is Stage.TRANSFORMATION
    assert "aaaa" not in refused.value.message


def test_other_threads_go_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "SECONDS", 1.0)
    slow = Limited(r"(?:a|a?a)+(?:b|bb)+c")
    slow.fullmatch("ab")  # the package is loaded
    done = threading.Event()
    ticks = 0

    def match() -> None:
        with pytest.raises(JavaError):
            slow.fullmatch("a" * 5000 + "b" * 5000)
        done.set()

    threading.Thread(target=match, daemon=True).start()
    while not done.wait(0.01):
        ticks += 1
    assert ticks > 5


def test_simple_patterns_on_short_texts_cost_what_re_costs() -> None:
    for pattern in ("orders-.*", "(.*)-(.*)", r"([a-z]{2,5})_(\d+)", "[ab]*c", "a|b|c", r"(?:x|y)z"):
        assert not Limited(pattern)._slow, pattern
    for pattern in NEVER:
        assert Limited(pattern)._slow, pattern


pieces = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        r"\d",
        r"\w",
        "(a)",
        "(?:ab|b)",
        "a?",
        "b*",
        "a+?",
        "a{1,3}",
        "(?=a)",
        "(?!b)",
        "^",
        "$",
        r"\b",
        "(?i:A)",
        "(?>a*)",
        "b++",
        "{",
        "a{e}",
        "{i:b",
        "[{]",
        r"\{",
        "b{,2}",
    ]
)
patterns = st.lists(pieces, min_size=1, max_size=6).map("".join)


@given(patterns, st.text("abAB1{e} \n", max_size=12), st.sampled_from([0, re.ASCII, re.IGNORECASE]))
def test_both_engines_say_the_same(pattern: str, text: str, flags: int) -> None:
    compiled, plain = Limited(pattern, flags), re.compile(pattern, flags)
    compiled._slow = True
    for ours, theirs in (
        (compiled.fullmatch(text), plain.fullmatch(text)),
        (compiled.search(text), plain.search(text)),
    ):
        assert (ours and (ours.span(), ours.groups())) == (theirs and (theirs.span(), theirs.groups()))


def test_groups_are_filled_in_by_either_engine() -> None:
    for pattern in ("(?<kind>[a-z]+)-(.*)", "(?<kind>(?:[a-z]|[a-z]{2})+)-(.*)"):
        assert Pattern(pattern).replace_first("orders-eu", "$2.${kind}") == "eu.orders"


@pytest.mark.parametrize("pattern", ["(", "a**", "[", "(" * 3000 + ")" * 3000, "a{99999999999}"])
def test_a_filter_s_pattern_that_is_none_is_a_fault_of_the_configuration(pattern: str) -> None:
    given = {
        "transforms": "f",
        "transforms.f.type": "io.confluent.connect.transforms.Filter$Value",
        "transforms.f.filter.condition": f"$[?(@.A__c =~ /{pattern}/)]",
        "transforms.f.filter.type": "include",
    }
    with pytest.raises(ConfigurationError, match=r"filter\.condition"):
        chain_of(given)
