"""Accept and Content-Type as a Kafka Connect 4.3.1 worker took them; each case is one of its answers."""

import time

import pytest

from bridge.api.media import MalformedError, takes_json, type_of


@pytest.mark.parametrize(
    "accept",
    ["", "*", "*/*", "*/json", "application", "application/*", "APPLICATION/JSON", "application/json;q=0",
     "*/*;q=0", "application/json,", "application/json;;", "application/json; charset=utf-8",
     "image/*;q=0.3, application/json;v=1", "text/html,application/xhtml+xml,*/*;q=0.8"],
)  # fmt: skip
def test_what_takes_json(accept: str) -> None:
    assert takes_json(accept)


@pytest.mark.parametrize(
    "accept",
    ["text", "json", "garbage", "*/xml", "text/json", "application/*+json", "application/problem+json",
     'text/html;profile="a,application/json;b"'],
)  # fmt: skip
def test_what_takes_no_json(accept: str) -> None:
    assert not takes_json(accept)


@pytest.mark.parametrize(
    "accept",
    [";;", "/json", "application / json", "application/json;charset", "application/json;q=abc",
     "application/json;q=", "application/json; q = 0.5", "application/json;q=1.5", "application/json;q=-1",
     "*/*;q=2"],
)  # fmt: skip
def test_what_is_no_list_of_types(accept: str) -> None:
    with pytest.raises(MalformedError):
        takes_json(accept)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("application/json;;", "application/json"),
        ('Application/JSON; charset="utf-8"', "application/json"),
        (" application/json", "application/json"),
        ("application/*;q=1", "application/*"),
    ],
)
def test_the_type_of_a_body(given: str, kind: str) -> None:
    assert type_of(given) == kind


@pytest.mark.parametrize(
    "given",
    ["", "*", "text", "garbage", "application / json", "application/json;charset", "application/json, text/plain",
     'application/json; boundary="x'],
)  # fmt: skip
def test_what_is_no_type(given: str) -> None:
    with pytest.raises(MalformedError):
        type_of(given)


@pytest.mark.parametrize("piece", ["; ", ";  \t ", "; a=b ", "a/", "a;", ", ", " "])
def test_no_header_takes_long(piece: str) -> None:
    """32 kB are what a request's headers may have."""
    long = ("a/b" + piece * (30_000 // len(piece))) + "\0"
    begun = time.process_time()
    for read in (takes_json, type_of):
        with pytest.raises(MalformedError):
            read(long)
    assert time.process_time() - begun < 2
