"""No secret of a login is in any text, whatever the server repeats; ids, and logging in by way of a proxy."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Fatal
from bridge.errors.words import words
from bridge.salesforce.auth import Login
from bridge.salesforce.grants import GRANTS
from bridge.salesforce.token import long_id
from tests.support.web_server import Answer, Request, Web, connect_proxy, web_server
from tests.unit.salesforce.auth.endpoint import ACCESS, SECRET_VALUES, connector, refusal, reply


@pytest.mark.parametrize("grant", list(GRANTS))
@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_in_any_text_even_if_the_server_repeats_it(
    web: Web, grant: str, as_json: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(request: Request) -> Answer:
        said = " ".join(value[:150] for value in request.form.values())
        if as_json:
            return refusal("invalid_grant", said)
        return Answer(f"<html><title>{said}</title>", 403)

    web.script = echo
    login = Login(connector(web.url, grant))
    with pytest.raises(Fatal) as refused:
        login.session()
    shown = " ".join([str(refused.value), repr(refused.value), repr(login), repr(login.http), caplog.text])
    for value in SECRET_VALUES.values():
        assert value not in shown
    assertion = web.requests[0].form.get("assertion", "")
    assert not assertion or assertion[:40] not in shown


def test_the_token_is_in_no_representation_and_no_log(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    session = Login(connector(web.url)).session()
    assert ACCESS not in repr(session)
    assert ACCESS not in str(session)
    assert ACCESS not in caplog.text
    assert "logged in to org 00D5g000004XyZzEAK" in caplog.text


def test_a_proxy_is_used_for_the_login(tmp_path: Path) -> None:
    with web_server(tls_directory=tmp_path) as web, connect_proxy() as proxy:
        web.script = lambda request: Answer(reply(web))
        changes = {"http.proxy": proxy.address, "bridge.salesforce.ca.file": str(web.ca_file)}
        Login(connector(web.url, **changes)).session()
        assert proxy.asked == [f"localhost:{web.port}"]


# ---- small things --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("00D5g000004XyZz", "00D5g000004XyZzEAK"),
        ("0055g00000Ab1cd", "0055g00000Ab1cdAAB"),
        ("00D5g000004XyZzEAK", "00D5g000004XyZzEAK"),
        ("ABCDEABCDEABCDE", "ABCDEABCDEABCDE555"),
    ],
)
def test_ids_have_eighteen_characters(short: str, long: str) -> None:
    assert long_id(short) == long


def test_a_secret_that_was_cut_off_is_hidden_too() -> None:
    assert words("got short-1, not more", ("short-1",)) == "got ****, not more"
    assert words("got consumer-secret-22", ("consumer-secret-2266",)) == "got ****"
    assert words("x" * 195 + " consumer-secret-2266", ("consumer-secret-2266",)).endswith("****")


@given(st.text(), st.text(min_size=1))
def test_cleaned_text_is_short_single_line_and_without_the_secret(text: str, secret: str) -> None:
    shown = words(f"{text}{secret}{text}", (secret,))
    assert len(shown) <= 200
    assert shown.isprintable()
