"""One declaration for each call: how it is reached, what it takes, who answers. Routes, roles and docs come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Generic, TypeVar

from attrs import field, frozen

from bridge.api.exchange import Answer, Ask, Handler
from bridge.api.users import Role
from bridge.worker.refusals import Refused

Schema = Mapping[str, object]
"""A JSON Schema as OpenAPI 3.0 has it."""
Table = dict[str, dict[str, Handler]]
Roles = dict[tuple[str, str], Role | None]
A = TypeVar("A")
_OPEN: Final = re.compile(r"\{\w+\}")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER: Final = re.compile(r"-?\d{1,19}")


@frozen
class Query:
    """One parameter of the query."""

    name: str
    doc: str
    schema: Schema = field(factory=lambda: {"type": "string"})


@frozen
class Operation(Generic[A]):
    """``answers``: status → the name of the schema in ``SCHEMAS`` of the module, None for an empty body.

    ``role`` None: nobody is asked who they are.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[A, Ask], Answer]
    answers: Mapping[int, str | None]
    role: Role | None = Role.READ
    query: Sequence[Query] = ()
    body: str | None = None
    needs_body: bool = False

    @property
    def name(self) -> str:
        """What generated clients call it: the handler's class and name."""
        return _CAMEL.sub("_", self.handler.__qualname__.replace(".", "_")).lower()

    @property
    def template(self) -> str:
        """The path as the site looks for it."""
        return _OPEN.sub("*", self.path).strip("/")


def routed(api: A, operations: Sequence[Operation[A]]) -> tuple[Table, Roles]:
    """Path → method → handler, and the roles that they need."""
    table: Table = {}
    for one in operations:
        table.setdefault(one.template, {})[one.method] = partial(one.handler, api)
    return table, {(one.template, one.method): one.role for one in operations}


def one_of(ask: Ask, name: str, known: Sequence[str], default: str) -> str:
    """A word of the query. Raises Refused (400)."""
    given = ask.query.get(name, [default])[-1]
    if given not in known:
        raise Refused(400, f"{name} must be one of {', '.join(known)}")
    return given


def number(ask: Ask, name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query. Raises Refused (400)."""
    given = ask.query.get(name)
    if given is None:
        return default
    if not _NUMBER.fullmatch(given[-1]) or not low <= int(given[-1]) <= high:
        raise Refused(400, f"{name} must be a whole number from {low} to {high}")
    return int(given[-1])


def text(ask: Ask, name: str, default: str = "") -> str:
    """A text of the query."""
    return ask.query.get(name, [default])[-1]


def integer(low: int, high: int, default: int | None = None) -> Schema:
    """The schema of a whole number."""
    known = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": low, "maximum": high, **known}


def word(*known: str, default: str | None = None) -> Schema:
    """The schema of one word of several."""
    return {"type": "string", "enum": list(known), **({} if default is None else {"default": default})}


def record(*required: str, **properties: object) -> Schema:
    """The schema of an object of ours: all that is named in ``required`` is there."""
    made: dict[str, object] = {"type": "object", "properties": properties}
    return made | ({"required": list(required)} if required else {})


def closed(*required: str, **properties: object) -> Schema:
    """The schema of an object in a request: an unknown member of it is refused."""
    return {**record(*required, **properties), "additionalProperties": False}


def nullable(schema: Schema, doc: str = "") -> Schema:
    """The same, or null; among the words of an enumeration null has to be named, too."""
    words = schema.get("enum")
    more = {"enum": [*words, None]} if isinstance(words, list) else {}
    return {**schema, **more, "nullable": True, **({"description": doc} if doc else {})}


def listed(schema: Schema, doc: str = "") -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": schema, **({"description": doc} if doc else {})}


def ref(name: str) -> Schema:
    """The schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


STRING: Final[Schema] = {"type": "string"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
INTEGER: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
CONNECTOR: Final = "/bridge/v1/connectors/{connector}"
