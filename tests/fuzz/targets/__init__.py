"""Every parser of what comes from outside, by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz.targets import languages, others, readers, salesforce
from tests.fuzz.targets.base import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target for room in (salesforce, languages, others, readers) for target in room.TARGETS
}
