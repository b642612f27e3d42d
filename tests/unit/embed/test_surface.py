"""What is public, to the letter: who changes a line here changes ``API_VERSION``, and from 1.0 on breaks nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from bridge import embed

SURFACE = """\
API_VERSION = 1.0
BadRecord(BridgeError)
BridgeError(Exception)
Codec(object)
    .__init__ -> None
        config: 'Configuration'
        describe: 'Mapping[str, object] | Path | str | None' = None
    .close -> None
    .decode -> Any
        value: 'bytes | None'
        headers: 'Headers' = None
        *, topic: 'str | None' = None
        *, decrypt: 'bool' = True
    .encode -> tuple[Record, ...]
        payload: 'Mapping[str, object]'
        *, replay_id: 'int' = 0
        *, event_uuid: 'str | None' = None
        *, schema_id: 'str | None' = None
Configuration(object)
    .name
    .notices
ConfigurationError(Fatal)
Fatal(BridgeError)
Fault(object)
Practice(object)
    .connector
    .describe
    .publish -> list[int]
        payload: 'Mapping[str, object] | None' = None
        *, count: 'int' = 1
    .worker
Record(object)
    .headers
    .key
    .timestamp
    .topic
    .value
Retriable(BridgeError)
Running(object)
    .pause -> None
    .resume -> None
    .status
    .wait -> bool
        *, events: 'int | None' = None
        *, timeout: 'float | None' = None
Status(object)
    .committed
    .dead_letters
    .error
    .replay_id
    .state
configuration -> Configuration
        connector: 'Source'
        worker: 'Source | None' = None
        *, environ: 'Mapping[str, str] | None' = None
practice -> Iterator[Practice]
        *, format: 'str' = 'AVRO'
        *, encrypt: 'bool' = False
running -> Iterator[Running]
        config: 'Configuration'
        *, max_events: 'int | None' = None
        *, until_idle: 'float | None' = None
schemas -> dict[str, str]
        metadata: 'Metadata'
        formats: 'Iterable[str]' = ('AVRO', 'JSON_SR', 'PROTOBUF')
        *, event: 'str | None' = None
        *, contract: 'Mapping[str, object] | Path | str | None' = None
        *, existing: 'Mapping[str, str] | None' = None
validate -> tuple[Fault, ...]
        connector: 'Source'
        worker: 'Source | None' = None
        *, environ: 'Mapping[str, str] | None' = None
"""


def surface() -> Iterator[str]:
    yield f"API_VERSION = {embed.API_VERSION}"
    for name in embed.__all__:
        thing = getattr(embed, name)
        if inspect.isfunction(thing):
            yield from described(name, thing)
        elif inspect.isclass(thing):
            yield f"{name}({', '.join(base.__name__ for base in thing.__bases__)})"
            if thing is embed.Codec:  # the others are made by functions
                yield from described("    .__init__", thing.__init__)
            for member in sorted(vars(thing)) if thing.__module__.startswith("bridge.embed") else ():
                if not member.startswith("_"):
                    yield from described(f"    .{member}", getattr(thing, member))


def described(name: str, thing: object) -> Iterator[str]:
    """The name, a line for each parameter, and what comes back."""
    if not inspect.isfunction(thing):
        yield name
        return
    signature = inspect.signature(thing)
    yield f"{name} -> {signature.return_annotation}"
    for parameter in signature.parameters.values():
        if parameter.name != "self":
            only = "*, " if parameter.kind is parameter.KEYWORD_ONLY else ""
            yield f"        {only}{parameter}"


def test_the_public_names_and_signatures_are_these() -> None:
    assert "\n".join(surface()) == SURFACE.strip()
