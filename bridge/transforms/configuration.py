"""From ``transforms``, ``predicates`` and what stands below them to a chain, every fault named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from typing import Final

from bridge.errors import ConfigurationError, Fault
from bridge.java.exceptions import JavaError
from bridge.transforms.chain import Chain, Link
from bridge.transforms.own import entry_of, transform_names
from bridge.transforms.predicates import PREDICATES, Predicate
from bridge.transforms.spec import Spec, split_list
from bridge.transforms.wanted import PREDICATES_KEY, RECORD_KEY, TRANSFORMS_KEY, key_field

_APACHE: Final = "org.apache.kafka.connect.transforms."
_RENAMED: Final = {"blacklist": "exclude", "whitelist": "include"}
"""Names that Kafka Connect gave up in version 3.0."""
_LONGEST_NAME: Final = 200
VERSION: Final = "plugin.version"
"""Of a transform's or predicate's class, for Kafka Connect's own runtime: accepted, without effect."""
_IMPLICIT: Final = ("type", VERSION, "predicate", "negate")

_MOST_HINTS: Final = 50  # one takes a millisecond
Report = Callable[[str, str], None]
"""Takes a property's key and what is wrong with it."""


def _with_key(given: Mapping[str, str]) -> Mapping[str, str]:
    """The properties with the two transforms in front that ``bridge.record.key`` stands for."""
    field = key_field(given)
    if field is None:
        return given
    aliases = (RECORD_KEY, f"{RECORD_KEY}.alone")
    first, second = (f"{TRANSFORMS_KEY}.{alias}." for alias in aliases)
    return {
        **given,
        TRANSFORMS_KEY: ",".join(filter(None, (*aliases, given.get(TRANSFORMS_KEY, "").strip()))),
        f"{first}type": f"{_APACHE}ValueToKey",
        f"{first}fields": field,
        f"{second}type": f"{_APACHE}ExtractField$Key",
        f"{second}field": field,
    }


def chain_of(given: Mapping[str, str]) -> Chain:
    """The chain of a connector's properties. ConfigurationError with every fault."""
    faults: list[Fault] = []
    chain = build(given, lambda key, message: faults.append(Fault(key, message)))
    if faults:
        raise ConfigurationError(faults)
    return chain


def build(given: Mapping[str, str], report: Report) -> Chain:
    """The chain of what is sound; every fault is reported."""
    given = _with_key(given)
    predicates = {
        alias: predicate
        for alias in _aliases(given, PREDICATES_KEY, report)
        if (predicate := _predicate(given, alias, report)) is not None
    }
    links = (_link(given, alias, predicates, report) for alias in _aliases(given, TRANSFORMS_KEY, report))
    return Chain(tuple(link for link in links if link is not None))


def strangers(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Keys below ``transforms.`` and ``predicates.`` that mean nothing, and what to say of each."""
    hints = _MOST_HINTS
    for root, keys_of in ((TRANSFORMS_KEY, _transform_keys), (PREDICATES_KEY, _predicate_keys)):
        aliases = set(split_list(given.get(root, "")))
        for key in given:
            if not key.startswith(root + "."):
                continue
            # an alias may hold dots: the longest one counts
            parts = key[len(root) + 1 :].split(".")
            names = (".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
            alias = next((name for name in names if name in aliases), None)
            if alias is None:
                yield key, f"belongs to no alias that is listed in {root}"
            elif (keys := keys_of(given.get(f"{root}.{alias}.type", ""))) is not None:
                name = key[len(f"{root}.{alias}.") :]
                if name not in keys:
                    hints -= 1
                    near = get_close_matches(_RENAMED.get(name, name), keys, n=1) if hints >= 0 else []
                    hint = f"; did you mean {root}.{alias}.{near[0]}?" if near else ""
                    yield key, f"is not a known property of {given[f'{root}.{alias}.type'].strip()}{hint}"


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    """The three classes whose simple names are most like that of a class that is not known."""
    wanted = name[-_LONGEST_NAME:].rpartition(".")[2].lower()

    def likeness(class_: str) -> float:
        return SequenceMatcher(None, wanted, class_.rpartition(".")[2].lower()).ratio()

    return sorted(names, key=likeness, reverse=True)[:3]


def spec_of_transform(type_: str) -> Spec | None:
    """What a transform of this class takes; None where there is none, or none that can be used."""
    try:
        entry = entry_of(type_.strip())
    except JavaError:
        return None  # said where it is used
    return None if entry is None else entry.spec


def spec_of_predicate(type_: str) -> Spec | None:
    """The same of a predicate."""
    predicate = PREDICATES.get(type_.strip())
    return None if predicate is None else predicate[0]


def _transform_keys(type_: str) -> list[str] | None:
    spec = spec_of_transform(type_)
    return None if spec is None else [*_IMPLICIT, *(key.name for key in spec.keys)]


def _predicate_keys(type_: str) -> list[str] | None:
    spec = spec_of_predicate(type_)
    return None if spec is None else ["type", VERSION, *(key.name for key in spec.keys)]


def _aliases(given: Mapping[str, str], root: str, report: Report) -> list[str]:
    aliases = split_list(given.get(root, ""))
    if len(set(aliases)) < len(aliases):
        report(
            root, f"Invalid value [{', '.join(aliases)}] for configuration {root}: Duplicate alias provided."
        )
    if "" in aliases:
        report(root, f"Invalid value [{', '.join(aliases)}] for configuration {root}: an alias is empty")
    return [alias for alias in dict.fromkeys(aliases) if alias]


def _type(given: Mapping[str, str], prefix: str, table: Collection[str], report: Report) -> str | None:
    key = f"{prefix}type"
    name = given.get(key, "").strip()
    if not name:
        report(key, f'Missing required configuration "{key}" which has no default value.')
        return None
    if name not in table:
        report(
            key,
            f"Invalid value {name} for configuration {key}: Class {name} could not be found. "
            f"The nearest are {', '.join(_nearest(name, table))}; docs/transforms.md has all",
        )
        return None
    return name


def _settings(given: Mapping[str, str], prefix: str, spec: Spec, report: Report) -> Mapping[str, str] | None:
    """The settings below a prefix; None, after reporting, where a single one is wrong."""
    own = {key[len(prefix) :]: value for key, value in given.items() if key.startswith(prefix)}
    try:
        faults = spec.validate(own, prefix)
    except JavaError as error:
        report(f"{prefix}type", _words(error))
        return None
    for key, messages in faults.items():
        report(prefix + key, " ".join(dict.fromkeys(messages)))
    return None if faults else own


def _predicate(given: Mapping[str, str], alias: str, report: Report) -> Predicate | None:
    prefix = f"{PREDICATES_KEY}.{alias}."
    name = _type(given, prefix, PREDICATES, report)
    if name is None:
        return None
    spec, make = PREDICATES[name]
    own = _settings(given, prefix, spec, report)
    return None if own is None else make(spec.parse(own))


def _link(
    given: Mapping[str, str], alias: str, predicates: Mapping[str, Predicate], report: Report
) -> Link | None:
    prefix = f"{TRANSFORMS_KEY}.{alias}."
    negated = given.get(f"{prefix}negate", "false").strip().lower()
    if negated not in ("true", "false", ""):
        report(
            f"{prefix}negate",
            f"Invalid value {given[f'{prefix}negate']} for configuration {prefix}negate: Expected value to be "
            "either true or false",
        )
    predicate = given.get(f"{prefix}predicate", "").strip()
    if predicate and predicate not in split_list(given.get(PREDICATES_KEY, "")):
        report(f"{prefix}predicate", f"names the predicate {predicate}, which {PREDICATES_KEY} does not list")
    if negated == "true" and not predicate:
        report(f"{prefix}negate", f"has nothing to negate: {prefix}predicate is not set")
    name = _type(given, prefix, transform_names(), report)
    if name is None:
        return None
    try:
        entry = entry_of(name)
    except JavaError as error:
        report(f"{prefix}type", _words(error))
        return None
    assert entry is not None, "its name is one of them"
    own = _settings(given, prefix, entry.spec, report)
    if own is None:
        return None
    try:
        transform = entry.make(entry.spec.parse(own), entry.side)
    except JavaError as error:
        report(f"{prefix}type", _words(error))
        return None
    return Link(alias, transform, predicates.get(predicate) if predicate else None, negated == "true")


def _words(error: JavaError) -> str:
    return error.message or error.java_class.rpartition(".")[2]
