"""What is combined: the factors of a case, what can stand together, and a choice in which every pair occurs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import asdict, frozen

SECRET: Final = "Secret__c"
"""The field that becomes protected as the case says."""
CONTACT: Final = "Contact__c"
"""A field that is protected all the time, so that a connector always has something to protect."""
_APACHE, _CONFLUENT = "org.apache.kafka.connect.transforms.", "io.confluent.connect.transforms."

FORMS: Final = ("AVRO", "JSON_SR", "PROTOBUF")
SOURCES: Final = ("contract", "classification", "inline", "pattern")
"""Who says that the field is tagged: contract, data classification, the registered schema's field or its metadata."""
KNOWN: Final = ("before", "with", "after")
"""When: before the start, with the field, after the field was carried."""
REGISTRIES: Final = (
    "as registered", "rules dropped", "disabled", "other tags", "override", "only for readers", "tags stripped",
    "other schema", "key answers changed",
)  # fmt: skip
SINCE: Final = ("start", "running")
"""From when on the registry lies."""
BAD: Final = ("none", "object", "in a number", "unknown field", "no UTF-8", "too large")
"""What comes beside the good events: the secret where something else is expected."""
TOLERANCES: Final = ("none", "all")
KMS: Final = ("local-kms", "hcvault")

STRUCTURAL: Final = frozenset({"hoist", "flatten", "header and hoist", "key and hoist", "rename"})
"""Transforms after which a registered version of the event's own shape is another record."""
MOVING: Final = frozenset({"key", "key and hoist", "header", "header and hoist", "topic", "template"})
"""What brings the field where nothing is encrypted: refused wherever the field is protected."""
_HOIST: Final = {"type": f"{_APACHE}HoistField$Value", "field": "all"}
TRANSFORMS: Final[dict[str, tuple[dict[str, str], ...]]] = {
    "none": (),
    "key": ({"type": f"{_APACHE}ValueToKey", "fields": SECRET},),
    "key and hoist": ({"type": f"{_APACHE}ValueToKey", "fields": SECRET}, _HOIST),
    "header": ({"type": f"{_APACHE}HeaderFrom$Value", "fields": SECRET, "headers": "h", "operation": "copy"},),
    "header and hoist": (
        {"type": f"{_APACHE}HeaderFrom$Value", "fields": SECRET, "headers": "h", "operation": "copy"},
        _HOIST,
    ),
    "topic": ({"type": f"{_CONFLUENT}ExtractTopic$Value", "field": SECRET},),
    "template": (),
    "hoist": (_HOIST,),
    "flatten": (_HOIST, {"type": f"{_APACHE}Flatten$Value", "delimiter": "_"}),
    "rename": ({"type": f"{_APACHE}ReplaceField$Value", "renames": f"{SECRET}:who"},),
    "timestamp": (
        {
            "type": f"{_APACHE}TimestampConverter$Value", "field": SECRET, "target.type": "string",
            "format": "yyyy-MM-dd",
        },
    ),
    "router": ({"type": f"{_APACHE}RegexRouter", "regex": "(.*)", "replacement": "$1"},),
    "insert": ({"type": f"{_APACHE}InsertField$Value", "static.field": "more", "static.value": "m"},),
}  # fmt: skip
IN_PAIRS: Final = (
    "none",
    "key and hoist",
    "header and hoist",
    "topic",
    "template",
    "rename",
    "timestamp",
    "flatten",
)
"""The transforms of the short form: each meets each registry, which is what the number of its cases comes from."""


@frozen
class Case:
    """One combination."""

    form: str
    source: str
    known: str
    registry: str
    since: str
    transform: str
    bad: str
    tolerance: str
    kms: str

    @property
    def makes_sense(self) -> bool:
        """Some things cannot be: a contract is read at the start, and names no field that is not there."""
        if self.source == "contract" and self.known != "before":
            return False
        if self.registry == "as registered" and self.since == "running":
            return False
        return not (self.source in ("inline", "pattern") and self.transform in STRUCTURAL)

    @property
    def must_work(self) -> bool:
        """Nobody lies and nothing is refused: the values arrive, encrypted."""
        return (
            self.registry == "as registered"
            and self.transform not in MOVING | {"timestamp"}
            and (self.bad == "none" or (self.tolerance == "all" and self.bad != "too large"))
        )

    @property
    def may_choose(self) -> bool:
        """The registry may choose the key: no contract names one, and the KEK was shared when it was first seen."""
        return self.source in ("inline", "pattern") and self.since == "start"

    def __str__(self) -> str:
        return " · ".join(asdict(self).values())


FACTORS: Final[dict[str, Iterable[str]]] = {
    "form": FORMS,
    "source": SOURCES,
    "known": KNOWN,
    "registry": REGISTRIES,
    "since": SINCE,
    "transform": tuple(TRANSFORMS),
    "bad": BAD,
    "tolerance": TOLERANCES,
    "kms": KMS,
}


def every() -> Iterator[Case]:
    """The whole matrix of format, source, moment, registry and transform; the other factors take turns."""
    turns = itertools.cycle(itertools.product(BAD, TOLERANCES, KMS))
    for form, source, known, registry, since, transform in itertools.product(
        FORMS, SOURCES, KNOWN, REGISTRIES, SINCE, TRANSFORMS
    ):
        case = Case(form, source, known, registry, since, transform, *next(turns))
        if case.makes_sense:
            yield case


def controls() -> Iterator[Case]:
    """Cases in which nobody lies and nothing is refused: there the values must arrive, encrypted."""
    for form, source, known in itertools.product(FORMS, SOURCES, KNOWN):
        transform = (
            "none" if source in ("inline", "pattern") else ("none", "rename", "flatten")[KNOWN.index(known)]
        )
        case = Case(
            form, source, known, REGISTRIES[0], SINCE[0], transform, "none", "all", KMS[known == "with"]
        )
        if case.makes_sense:
            yield case


def pairwise(seed: int = 1) -> list[Case]:
    """The controls, and few cases in which each two values of different factors that can stand together do.

    The same for a seed.
    """
    dice = random.Random(seed)
    names = tuple(FACTORS)
    values = {name: tuple(FACTORS[name]) for name in names} | {"transform": IN_PAIRS}
    wanted = {
        ((a, x), (b, y)) for a, b in itertools.combinations(names, 2) for x in values[a] for y in values[b]
    }
    chosen = [case for case in controls() if case.transform in IN_PAIRS]
    for case in chosen:
        wanted -= _pairs(case)
    while wanted:
        first = dice.choice(sorted(wanted))
        best: tuple[int, Case] | None = None
        for _ in range(60):
            picked = {name: dice.choice(values[name]) for name in names} | dict(first)
            case = Case(**picked)
            if case.makes_sense:
                covers = len(_pairs(case) & wanted)
                if best is None or covers > best[0]:
                    best = (covers, case)
        if best is None:  # the two cannot stand together
            wanted.discard(first)
            continue
        chosen.append(best[1])
        wanted -= _pairs(best[1])
    return chosen


def _pairs(case: Case) -> set[Any]:
    return set(itertools.combinations(asdict(case).items(), 2))
