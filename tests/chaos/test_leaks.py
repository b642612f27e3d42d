"""The leak matrix as a whole: format × source × moment × registry × transform, a hundred cases at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.leaks.cases import every
from tests.leaks.proof import prove
from tests.support.kafka_broker import Broker

CASES = list(every())
AT_ONCE = 100


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, len(CASES), AT_ONCE))
def test_nothing_plain_leaves_the_process_whatever_others_do(
    tmp_path: Path, broker: Broker, first: int
) -> None:
    prove(tmp_path, broker, CASES[first : first + AT_ONCE])
