"""What the fuzzer found stays found: every finding, and every good input that findings are made of, is fed again."""

import contextlib

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS
from tests.fuzz.targets.base import Target


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_findings_of_before_are_allowed_for(target: Target) -> None:
    for raw in (*target.seeds, *(path.read_bytes() for path in corpus.kept(target.name))):
        with contextlib.suppress(*target.allowed):
            target.feed(raw)


def test_every_folder_of_findings_has_a_target() -> None:
    assert {path.name for path in corpus.FOLDER.iterdir() if path.is_dir()} <= set(TARGETS)
