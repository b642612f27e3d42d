"""``/services/data``: describe, eventSchema, Tooling query, publish; errors as Salesforce words them."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox import changes
from bridge.sandbox.definition import STANDARD_FIELDS, EventDefinition, FieldDefinition
from bridge.sandbox.org import faults as at
from bridge.sandbox.org import schemas
from bridge.sandbox.org.bus import EventBus, UnknownEvent
from bridge.sandbox.org.faults import Faults
from bridge.sandbox.org.messages import encode_json
from bridge.sandbox.org.oauth import Tokens

VERSIONS = tuple(range(43, 67))
_QUERY = re.compile(
    r"\s*SELECT\s+(?P<columns>.+?)\s+FROM\s+FieldDefinition\s+WHERE\s+EntityDefinition\.QualifiedApiName"
    r"\s*=\s*'(?P<event>[^']*)'.*",
    re.IGNORECASE | re.DOTALL,
)
_SEASONS = ("Spring", "Summer", "Winter")

Handler = Callable[[Request, str], Awaitable[Response]]


class Failed(Exception):
    """A REST error: status, Salesforce's code, its message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


NOT_FOUND = Failed(404, "NOT_FOUND", "The requested resource does not exist")


class Rest:
    """The REST resources; ``routes`` are mounted by the application."""

    def __init__(self, bus: EventBus, tokens: Tokens, faults: Faults) -> None:
        self._bus = bus
        self._tokens = tokens
        self._faults = faults
        self.unclassified: set[tuple[str, str]] = set()
        """(event, field) that FieldDefinition does not name yet, as it is for a while after a field was added."""
        self.published = 0
        self.calls = 0

    def routes(self) -> list[Route]:
        """Every REST route."""
        base = "/services/data/v{version}"
        return [
            Route("/services/data", self._versions),
            Route(f"{base}/sobjects", self._guarded(self._global)),
            Route(f"{base}/sobjects/{{event}}", self._guarded(self._publish), methods=["POST"]),
            Route(f"{base}/sobjects/{{event}}/describe", self._guarded(self._describe)),
            Route(f"{base}/sobjects/{{event}}/eventSchema", self._guarded(self._event_schema)),
            Route(f"{base}/event/eventSchema/{{schema_id}}", self._guarded(self._schema_by_id)),
            Route(f"{base}/tooling/query", self._guarded(self._query)),
            Route(f"{base}/limits", self._guarded(self._limits)),
            Route(
                f"{base}/{{rest:path}}", self._guarded(self._unknown), methods=["GET", "POST", "PATCH", "PUT"]
            ),
        ]

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self.calls += 1
            try:
                self._check(request)
                return await handler(request, f"/services/data/v{request.path_params['version']}")
            except UnknownEvent:
                return _error(NOT_FOUND)
            except Failed as failed:
                return _error(failed)

        return endpoint

    def _check(self, request: Request) -> None:
        fault = self._faults.take(at.REST)
        kind = fault.kind if fault else None
        if kind == "rest_busy":
            raise Failed(503, "SERVER_UNAVAILABLE", "We are down for maintenance.")
        if kind == "rest_limit":
            raise Failed(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if kind == "rest_expired" or not self._tokens.valid(request.headers.get("authorization", "")):
            raise Failed(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if request.path_params["version"] not in {f"{number}.0" for number in VERSIONS}:
            raise NOT_FOUND

    async def _versions(self, request: Request) -> Response:
        return _json(
            [
                {
                    "label": f"{_SEASONS[(number - 43) % 3]} '{18 + (number - 42) // 3}",
                    "url": f"/services/data/v{number}.0",
                    "version": f"{number}.0",
                }
                for number in VERSIONS
            ]
        )

    async def _global(self, request: Request, prefix: str) -> Response:
        events = [definition.summary(prefix) for definition in self._bus.definitions.values()]
        return _json({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": events})

    async def _describe(self, request: Request, prefix: str) -> Response:
        name = request.path_params["event"]
        if name not in self._bus.definitions:
            return _json(changes.describe(self._bus.of_object(name), prefix))
        return _json(self._event(request).describe(prefix))

    async def _event_schema(self, request: Request, prefix: str) -> Response:
        return _schema(self._event(request), request)

    async def _schema_by_id(self, request: Request, prefix: str) -> Response:
        definition = self._bus.by_schema.get(request.path_params["schema_id"])
        if definition is None:
            raise NOT_FOUND
        return _schema(definition, request)

    async def _query(self, request: Request, prefix: str) -> Response:
        text = request.query_params.get("q", "")
        match = _QUERY.fullmatch(text)
        if not match:
            message = "FieldDefinition must be filtered by EntityDefinition; nothing else can be queried here"
            raise Failed(400, "MALFORMED_QUERY", message)
        columns = [column.strip() for column in match["columns"].split(",")]
        fields = self._fields(match["event"])
        records = [
            _classification(prefix, match["event"], field, columns)
            for field in fields
            if (match["event"], field.name) not in self.unclassified
        ]
        answer = {
            "size": len(records),
            "totalSize": len(records),
            "done": True,
            "queryLocator": None,
            "entityTypeName": "FieldDefinition",
            "records": records,
        }
        return _json(answer)

    def _fields(self, name: str) -> tuple[FieldDefinition, ...]:
        """What FieldDefinition has of an event, or of an object whose changes are events; nothing of any other."""
        if (definition := self._bus.definitions.get(name)) is not None:
            return (*STANDARD_FIELDS, *definition.fields)
        try:
            return changes.classified(self._bus.of_object(name))
        except UnknownEvent:
            return ()

    async def _publish(self, request: Request, prefix: str) -> Response:
        definition = self._event(request)
        try:
            payload = msgspec.json.decode(await request.body())
        except msgspec.DecodeError as error:
            raise Failed(400, "JSON_PARSER_ERROR", str(error)) from None
        if not isinstance(payload, dict):
            raise Failed(400, "JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
        fields = {field.name: field for field in definition.fields}
        for name in payload:
            if name not in fields:
                text = f"No such column '{name}' on sobject of type {definition.name}"
                raise Failed(400, "INVALID_FIELD", text)
        missing = [name for name, field in fields.items() if field.required and payload.get(name) is None]
        if missing:
            raise Failed(
                400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]"
            )
        self._bus.publish(definition.name, payload)
        self.published += 1
        enqueued = {"statusCode": "OPERATION_ENQUEUED", "message": str(uuid.uuid4()), "fields": []}
        answer = {"id": f"e01xx{secrets.token_hex(5)}AAA", "success": True, "errors": [enqueued]}
        return _json(answer, 201)

    async def _limits(self, request: Request, prefix: str) -> Response:
        delivered = {"Max": 50000, "Remaining": 50000}
        return _json(
            {
                "DailyApiRequests": {"Max": 100000, "Remaining": max(100000 - self.calls, 0)},
                "DailyStandardVolumePlatformEvents": delivered,
                "HourlyPublishedPlatformEvents": {
                    "Max": 250000,
                    "Remaining": max(250000 - self.published, 0),
                },
                "MonthlyPlatformEvents": {"Max": 1500000, "Remaining": 1500000},
            }
        )

    async def _unknown(self, request: Request, prefix: str) -> Response:
        raise NOT_FOUND

    def _event(self, request: Request) -> EventDefinition:
        return self._bus.definition(request.path_params["event"])


def _schema(definition: EventDefinition, request: Request) -> Response:
    match request.query_params.get("payloadFormat", "EXPANDED").upper():
        case "EXPANDED":
            return _json(schemas.expanded(definition))
        case "COMPACT":
            return _json(schemas.compact(definition))
    raise Failed(400, "INVALID_QUERY_VALUE", "payloadFormat must be EXPANDED or COMPACT")


def _classification(prefix: str, event: str, field: FieldDefinition, columns: list[str]) -> dict[str, Any]:
    row = {
        "QualifiedApiName": field.name,
        "DeveloperName": field.name.removesuffix("__c"),
        "Label": field.label or field.name.removesuffix("__c").replace("_", " "),
        "SecurityClassification": field.security_classification,
        "ComplianceGroup": field.compliance_group,
        "BusinessStatus": None,
        "DurableId": f"{event}.{field.name}",
    }
    for column in columns:
        if column not in row:
            text = f"No such column '{column}' on entity 'FieldDefinition'."
            raise Failed(400, "INVALID_FIELD", text)
    url = f"{prefix}/tooling/sobjects/FieldDefinition/{event}.{field.name}"
    attributes = {"type": "FieldDefinition", "url": url}
    return {"attributes": attributes, **{column: row[column] for column in columns}}


def _json(value: Any, status: int = 200) -> Response:
    return Response(
        encode_json(value), status_code=status, headers={"Content-Type": "application/json;charset=UTF-8"}
    )


def _error(failed: Failed) -> Response:
    return _json([{"message": failed.message, "errorCode": failed.code}], failed.status)
