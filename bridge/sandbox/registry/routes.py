"""The HTTP surface: paths, queries and bodies to operations, and their answers in the registry's form.

Paths are split before they are decoded, since a subject may hold an encoded slash. ``/contexts/{c}`` in front of a
path is folded into the subject or the prefix it stands for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from attrs import frozen
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from bridge.sandbox.registry import answers, names
from bridge.sandbox.registry.errors import RegistryError, no_schema
from bridge.sandbox.registry.names import ALL, DEFAULT, Name
from bridge.sandbox.registry.schemas import TYPES, Request
from bridge.sandbox.registry.settings import ordered
from bridge.sandbox.registry.subjects import Subjects
from bridge.sandbox.server import Receive, Scope, Send

V1: Final = "application/vnd.schemaregistry.v1+json"
_TYPES_OUT: Final = (V1, "application/vnd.schemaregistry+json", "application/json")
_TYPES_IN: Final = (*_TYPES_OUT, "application/octet-stream")
VERSION: Final = {"version": "8.3.1", "commitId": "v8.3.1"}

Json = dict[str, Any]


@frozen
class Call:
    """One request, taken apart."""

    path: tuple[str, ...]
    query: dict[str, list[str]]
    body: Any
    has_body: bool

    def text(self, key: str, default: str | None = None) -> str | None:
        """A query value."""
        return self.query[key][-1] if key in self.query else default

    def flag(self, key: str) -> bool:
        """A query value as Java's ``Boolean.valueOf`` reads it: any case of *true*."""
        return (self.text(key) or "").lower() == "true"

    def page(self, items: list[Any]) -> list[Any]:
        """The items that ``offset`` and ``limit`` ask for."""
        offset, limit = self._int("offset", 0), self._int("limit", -1)
        return items[offset:] if limit < 0 else items[offset : offset + limit]

    def object(self, what: str) -> Json:
        """The body as an object. Raises 422 where it is missing, 400 where it is something else."""
        if not self.has_body or self.body is None:
            raise RegistryError(422, f"{what} must not be null (was null)")
        if not isinstance(self.body, dict):
            token = "START_ARRAY" if isinstance(self.body, list) else "VALUE_STRING"
            kind = "Array" if isinstance(self.body, list) else "String"
            name = _CLASSES.get(what, "Request")
            text = f"Cannot deserialize value of type `{name}` from {kind} value (token `JsonToken.{token}`)"
            raise RegistryError(400, text)
        return self.body

    def _int(self, key: str, default: int) -> int:
        try:
            return int(self.text(key) or default)
        except ValueError:
            raise RegistryError(404, "HTTP 404 Not Found") from None


_CLASSES: Final = {"register.request": "RegisterSchemaRequest"}
Handler = Callable[[Call], Any]


class NoRouteError(RegistryError):
    """No such path, or not with this method; answered without a content type."""


class Raw(str):
    """An answer that is JSON text already."""


class Routes:
    """An ASGI application over the operations."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects
        self._table = self._routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = HttpRequest(scope, receive)
        response = self._answer(request, await request.body())
        await response(scope, receive, send)

    def _answer(self, request: HttpRequest, body: bytes) -> Response:
        media_type = _acceptable(request.headers.get("accept", "*/*"))
        if media_type is None:
            return _plain(406, "HTTP 406 Not Acceptable")
        try:
            handler, call = self._match(request, body)
            with self._subjects.lock:
                answer = handler(call)
        except NoRouteError as error:
            return _plain(error.code, error.message)
        except RegistryError as error:
            return _json({"error_code": error.code, "message": error.message}, media_type, error.status)
        if answer is None:
            return Response(status_code=204)
        if isinstance(answer, Raw):
            return Response(answer, media_type=media_type, headers={"Content-Type": media_type})
        return _json(answer, media_type)

    def _match(self, request: HttpRequest, body: bytes) -> tuple[Handler, Call]:
        segments = tuple(
            unquote(s) for s in request.scope["raw_path"].decode("latin-1").strip("/").split("/")
        )
        query = parse_qs(request.url.query, keep_blank_values=True)
        segments, query = _without_context(segments if segments != ("",) else (), query)
        allowed = False
        for method, pattern, handler in self._table:
            captured = _captures(pattern, segments)
            if captured is None:
                continue
            allowed = True
            if method == request.method:
                content_type = request.headers.get("content-type", "application/octet-stream").split(";")[0]
                if body and content_type not in _TYPES_IN:
                    raise RegistryError(415, "HTTP 415 Unsupported Media Type")
                return handler, Call(captured, query, _parsed(body), bool(body.strip()))
        code, text = (405, "Method Not Allowed") if allowed else (404, "Not Found")
        raise NoRouteError(code, f"HTTP {code} {text}")

    def _routes(self) -> list[tuple[str, tuple[str, ...], Handler]]:
        table: dict[str, Handler] = {
            "GET /": lambda call: {},
            "POST /": lambda call: {},
            "GET /schemas/types": lambda call: list(TYPES),
            "GET /schemas": self._list_schemas,
            "GET /schemas/ids/{}": self._by_id,
            "GET /schemas/ids/{}/schema": self._bare_by_id,
            "GET /schemas/ids/{}/subjects": self._subjects_of_id,
            "GET /schemas/ids/{}/versions": self._versions_of_id,
            "GET /schemas/guids/{}": self._by_guid,
            "GET /schemas/guids/{}/ids": self._ids_of_guid,
            "GET /subjects": self._list_subjects,
            "POST /subjects/{}": self._look_up,
            "DELETE /subjects/{}": self._delete_subject,
            "GET /subjects/{}/metadata": self._by_metadata,
            "GET /subjects/{}/versions": self._list_versions,
            "POST /subjects/{}/versions": self._register,
            "GET /subjects/{}/versions/{}": self._get_version,
            "DELETE /subjects/{}/versions/{}": self._delete_version,
            "GET /subjects/{}/versions/{}/schema": self._bare_version,
            "GET /subjects/{}/versions/{}/referencedby": self._referenced_by,
            "POST /subjects/{}/versions/{}/tags": self._tags,
            "POST /compatibility/subjects/{}/versions": self._check,
            "POST /compatibility/subjects/{}/versions/{}": self._check,
            "GET /contexts": self._contexts,
            "DELETE /contexts/{}": self._delete_context,
            "GET /config": self._get_config,
            "PUT /config": self._put_config,
            "DELETE /config": self._delete_config,
            "GET /config/{}": self._get_config,
            "PUT /config/{}": self._put_config,
            "DELETE /config/{}": self._delete_config,
            "GET /mode": self._get_mode,
            "PUT /mode": self._put_mode,
            "DELETE /mode": self._delete_mode,
            "GET /mode/{}": self._get_mode,
            "PUT /mode/{}": self._put_mode,
            "DELETE /mode/{}": self._delete_mode,
            "GET /v1/metadata/id": lambda call: _CLUSTER,
            "GET /v1/metadata/version": lambda call: VERSION,
            "GET /v1/metadata/deployment": lambda call: {"attributes": []},
        }
        made = []
        for key, handler in table.items():
            method, path = key.split(" ")
            made.append((method, tuple(path.strip("/").split("/")) if path != "/" else (), handler))
        return made

    # ------------------------------------------------------------------ schemas

    def _list_schemas(self, call: Call) -> Any:
        found = []
        for name in self._subjects.subjects(
            call.text("subjectPrefix", ALL) or "", deleted=call.flag("deleted")
        ):
            versions = self._subjects.store.versions(name, deleted=call.flag("deleted"))
            found += versions[-1:] if call.flag("latestOnly") else versions
        return [answers.whole(version) for version in call.page(found)]

    def _by_id(self, call: Call) -> Any:
        version = self._subjects.by_id(_number(call.path[0]), call.text("subject"))
        extra = self._extra(version.name, version.content, call)
        if call.flag("fetchMaxId"):
            extra["maxId"] = self._subjects.store.context(version.name.context).next_id - 1
        return answers.schema_string(version, **extra)

    def _bare_by_id(self, call: Call) -> Any:
        try:
            return Raw(self._subjects.by_id(_number(call.path[0]), call.text("subject")).content.text)
        except RegistryError as error:
            if error.code == 40403:
                raise RegistryError(500, "Internal Server Error") from None
            raise

    def _subjects_of_id(self, call: Call) -> Any:
        found = self._having(call)
        return call.page(list(dict.fromkeys(str(version.name) for version in found)))

    def _versions_of_id(self, call: Call) -> Any:
        found = self._having(call)
        return call.page([{"subject": str(version.name), "version": version.version} for version in found])

    def _having(self, call: Call) -> Any:
        id_ = _number(call.path[0])
        found = self._subjects.having(id_, call.text("subject"), deleted=call.flag("deleted"))
        return sorted(found, key=lambda version: (str(version.name), version.version))

    def _by_guid(self, call: Call) -> Any:
        found = self._subjects.by_guid(call.path[0])
        if not found:
            raise no_schema(call.path[0])
        answer = answers.schema_string(found[0])
        return {key: value for key, value in answer.items() if key not in ("subject", "version")}

    def _ids_of_guid(self, call: Call) -> Any:
        found = self._subjects.by_guid(call.path[0])
        return [{"context": version.name.context, "id": version.id} for version in found]

    # ------------------------------------------------------------------ subjects

    def _list_subjects(self, call: Call) -> Any:
        prefix = call.text("subjectPrefix", ALL) or ""
        only = call.flag("deletedOnly")
        found = self._subjects.subjects(prefix, deleted=call.flag("deleted"), deleted_only=only)
        return call.page([str(name) for name in found])

    def _look_up(self, call: Call) -> Any:
        request = Request.of(call.object("lookup.request"))
        name = self._subjects.resolve(call.path[0])
        return answers.looked_up(self._subjects.look_up(name, request, deleted=call.flag("deleted")))

    def _register(self, call: Call) -> Any:
        request = Request.of(call.object("register.request"))
        version, with_times = self._subjects.register(self._subjects.resolve(call.path[0]), request)
        return answers.registered(version, with_times=with_times)

    def _tags(self, call: Call) -> Any:
        body = call.object("tagSchema.request")
        name = self._subjects.resolve(call.path[0])
        version = self._subjects.version(name, call.path[1])
        given = {
            "version": body.get("newVersion"),
            "metadata": body.get("metadata"),
            "ruleSet": body.get("ruleSet"),
            "schemaTagsToAdd": body.get("tagsToAdd"),
            "schemaTagsToRemove": body.get("tagsToRemove"),
        }
        request = Request.of(given).with_content_of(version.content)
        return answers.registered(self._subjects.register(name, request)[0], with_times=False)

    def _delete_subject(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        return self._subjects.delete_subject(name, permanent=call.flag("permanent"))

    def _by_metadata(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        wanted = dict(zip(call.query.get("key", []), call.query.get("value", []), strict=False))
        for version in reversed(self._subjects.versions(name, deleted=call.flag("deleted"))):
            properties = (version.content.metadata or {}).get("properties", {})
            if wanted.items() <= properties.items():
                return answers.whole(version)
        raise no_schema()

    def _list_versions(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        only = call.flag("deletedOnly")
        found = self._subjects.versions(name, deleted=call.flag("deleted") or only)
        negative = call.flag("deletedAsNegative")
        numbers = [
            -v.version if v.deleted and negative else v.version for v in found if v.deleted or not only
        ]
        return call.page(numbers)

    def _get_version(self, call: Call) -> Any:
        version = self._version(call)
        content = version.content
        if call.text("format") == "resolved":
            text = self._subjects.schemas.resolved(version.name, content)
            content = answers.evolved(content, text=text)
        if call.text("referenceFormat") == "qualified":
            content = answers.qualified(content, version.name)
        return answers.whole(version, content=content, **self._extra(version.name, version.content, call))

    def _bare_version(self, call: Call) -> Any:
        return Raw(self._version(call).content.text)

    def _referenced_by(self, call: Call) -> Any:
        return self._subjects.referenced_by(self._version(call))

    def _delete_version(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        return self._subjects.delete_version(name, call.path[1], permanent=call.flag("permanent"))

    def _version(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        return self._subjects.version(name, call.path[1], deleted=call.flag("deleted"))

    def _check(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        version = call.path[1] if len(call.path) > 1 else None
        request = Request.of(call.object("compatibilityCheck.request"))
        messages = self._subjects.check(name, version, request)
        verdict: Json = {"is_compatible": not messages}
        return {**verdict, "messages": messages} if call.flag("verbose") else verdict

    def _extra(self, name: Name, content: Any, call: Call) -> Json:
        tags = self._subjects.schemas.tags(name, content, call.query.get("findTags", []))
        return {"schemaTags": tags} if tags else {}

    # ------------------------------------------------------------------ contexts, config, mode

    def _contexts(self, call: Call) -> Any:
        prefix = call.text("contextPrefix", "") or ""
        return call.page([name for name in self._subjects.store.contexts() if name.startswith(prefix)])

    def _delete_context(self, call: Call) -> Any:
        context = names.context_of_path(call.path[0])
        if context == DEFAULT:
            raise RegistryError(405, "HTTP 405 Method Not Allowed")
        if not self._subjects.store.drop_context(context):
            raise RegistryError(42211, f"The specified context ':{context}:' is not empty.")
        return None

    def _scope(self, call: Call) -> Name:
        return names.parse(call.path[0]) if call.path else Name(DEFAULT, "")

    def _get_config(self, call: Call) -> Any:
        name = self._scope(call)
        own = self._subjects.configs.own(name)
        if own is None and call.path and not call.flag("defaultToGlobal"):
            text = f"Subject '{_shown(name)}' does not have subject-level compatibility configured"
            raise RegistryError(40408, text)
        if own is None or not call.path or call.flag("defaultToGlobal"):
            return self._subjects.configs.effective(name)
        return _with_level(own, self._subjects.configs.level(name))

    def _put_config(self, call: Call) -> Any:
        name = self._scope(call)
        if name.subject:
            names.checked(name)
        what = "updateSubjectLevelConfig.request" if call.path else "updateTopLevelConfig.request"
        body = call.object(what)
        self._subjects.check_writable(name)
        return self._subjects.configs.update(name, body)

    def _delete_config(self, call: Call) -> Any:
        name = self._scope(call)
        removed = self._subjects.configs.delete(name)
        if removed is None and call.path:
            raise RegistryError(40401, f"Subject '{_shown(name)}' not found.")
        return _with_level(removed or {}, self._subjects.configs.level(name))

    def _get_mode(self, call: Call) -> Any:
        name = self._scope(call)
        own = self._subjects.modes.own(name)
        if own is None and call.path and not call.flag("defaultToGlobal"):
            text = f"Subject '{_shown(name)}' does not have subject-level mode configured"
            raise RegistryError(40409, text)
        return {"mode": own or self._subjects.modes.effective(name)}

    def _put_mode(self, call: Call) -> Any:
        mode = call.object("updateMode.request").get("mode")
        if not isinstance(mode, str):
            raise RegistryError(500, "Internal Server Error")
        self._subjects.set_mode(self._scope(call), mode, force=call.flag("force"))
        return {"mode": mode}

    def _delete_mode(self, call: Call) -> Any:
        return {"mode": self._subjects.modes.delete(self._scope(call))}


_CLUSTER: Final = {
    "scope": {
        "path": [],
        "clusters": {"kafka-cluster": "sandbox", "schema-registry-cluster": "schema-registry"},
    }
}


def _with_level(config: Json, level: str) -> Json:
    return ordered({**config, "compatibilityLevel": config.get("compatibilityLevel", level)})


def _shown(name: Name) -> str:
    return str(name) if name.subject else f":{name.context}:"


def _without_context(
    segments: tuple[str, ...], query: dict[str, list[str]]
) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Fold ``/contexts/{c}/…`` into the path or the query it qualifies."""
    if len(segments) < 3 or segments[0] != "contexts":
        return segments, query
    prefix = f":{names.context_of_path(segments[1])}:"
    rest = list(segments[2:])
    query = dict(query)
    holder = next((i for i, s in enumerate(rest) if s in ("subjects", "deks")), None)
    if rest[0] in ("config", "mode"):
        holder = 0
        rest = rest if len(rest) > 1 else [*rest, ""]
    if rest[:2] == ["schemas", "ids"]:
        query["subject"] = [_qualified(prefix, query.get("subject", [""])[-1])]
    elif rest in (["schemas"], ["subjects"]):
        query["subjectPrefix"] = [_qualified(prefix, query.get("subjectPrefix", [""])[-1])]
    elif holder is not None and holder + 1 < len(rest):
        rest[holder + 1] = _qualified(prefix, rest[holder + 1])
    return tuple(rest), query


def _qualified(prefix: str, subject: str) -> str:
    return subject if subject.startswith((":.", ALL)) else prefix + subject


def _captures(pattern: tuple[str, ...], segments: tuple[str, ...]) -> tuple[str, ...] | None:
    if len(pattern) != len(segments):
        return None
    captured = []
    for expected, found in zip(pattern, segments, strict=True):
        if expected == "{}":
            captured.append(found)
        elif expected != found:
            return None
    return tuple(captured)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise RegistryError(404, "HTTP 404 Not Found") from None


def _parsed(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise RegistryError(400, f"The body is not valid JSON: {error}") from None


def _acceptable(accept: str) -> str | None:
    """The media type to answer with."""
    asked = [part.split(";")[0].strip() for part in accept.split(",")]
    if "*/*" in asked or "application/*" in asked or V1 in asked:
        return V1
    return next((kind for kind in _TYPES_OUT if kind in asked), None)


def _json(value: Any, media_type: str, status: int = 200) -> Response:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    body = text.encode("utf-8", "surrogatepass")
    return Response(body, status_code=status, headers={"Content-Type": media_type})


def _plain(status: int, message: str) -> Response:
    body = json.dumps({"error_code": status, "message": message}, separators=(",", ":"))
    return Response(body, status_code=status)
