"""The leak matrix, so many cases that each two values of different factors meet: ``tests/leaks``."""

from __future__ import annotations

import base64
import itertools
import os
from pathlib import Path

import pytest
from attrs import asdict
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.leaks.cases import FACTORS, IN_PAIRS, Case, pairwise
from tests.leaks.evidence import Evidence, spellings
from tests.leaks.lying import FORGED_KEY
from tests.leaks.proof import prove
from tests.support.kafka_broker import Broker


@pytest.mark.timeout(420)
def test_nothing_plain_leaves_the_process_whatever_others_do(tmp_path: Path, broker: Broker) -> None:
    prove(tmp_path, broker, pairwise())


def test_each_two_values_that_can_stand_together_do() -> None:
    cases = pairwise()
    assert cases == pairwise()
    met = {pair for case in cases for pair in itertools.combinations(asdict(case).items(), 2)}
    values = {name: tuple(FACTORS[name]) for name in FACTORS} | {"transform": IN_PAIRS}
    possible = {
        pair
        for picked in itertools.product(*values.values())
        if Case(*picked).makes_sense
        for pair in itertools.combinations(zip(FACTORS, picked, strict=True), 2)
    }
    assert possible == met & possible


@pytest.mark.parametrize("spelling", range(len(spellings("x" * 9))))
def test_the_search_finds_a_secret_in_every_spelling(spelling: int) -> None:
    evidence = Evidence()
    evidence.add("log", b"before " + spellings("zdenka7tajemna")[spelling] + b" behind")
    assert evidence.found(["zdenka7tajemna", "pavla8skryta"]) == {("zdenka7tajemna", "log")}
    assert evidence.looked_at["log"] > 20


@pytest.mark.parametrize("length", range(10, 16))
@pytest.mark.parametrize("version", [b"", b"\0\0\0\0\1"])
def test_the_search_opens_what_the_forged_key_closed(length: int, version: bytes) -> None:
    evidence, iv = Evidence(), os.urandom(12)
    evidence.add("values", base64.b64encode(os.urandom(40)))
    assert evidence.forged() == set()
    closed = base64.b64encode(version + iv + AESGCM(FORGED_KEY).encrypt(iv, b"z" * length, None))
    evidence.add("values", b"\x02x" + closed + b"\x08text")
    assert evidence.forged() == {"values"}
