"""Schemas, subjects, versions, compatibility: from paths, queries and bodies to operations and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.sandbox.registry import answers, names, rule_sets
from bridge.sandbox.registry.content import guid_of
from bridge.sandbox.registry.deletions import delete_subject, delete_version
from bridge.sandbox.registry.error_codes import RegistryError, no_schema, server_fault
from bridge.sandbox.registry.http import Call, Handler, Raw, number
from bridge.sandbox.registry.kinds import KINDS
from bridge.sandbox.registry.names import ALL, Name
from bridge.sandbox.registry.schemas import Request
from bridge.sandbox.registry.store import Version
from bridge.sandbox.registry.subjects import Subjects

VERSION: Final = {"version": "8.3.1", "commitId": "v8.3.1"}

Json = dict[str, Any]


class SchemaRoutes:
    """Handlers of schemas and subjects."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    def table(self) -> Mapping[str, Handler]:
        """``METHOD /path`` → handler."""
        return {
            "GET /": lambda call: {},
            "POST /": lambda call: {},
            "GET /schemas/types": lambda call: list(KINDS),
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
            "GET /v1/metadata/id": lambda call: _CLUSTER,
            "GET /v1/metadata/version": lambda call: VERSION,
            "GET /v1/metadata/deployment": lambda call: {"attributes": []},
        }

    # ------------------------------------------------------------------ schemas

    def _list_schemas(self, call: Call) -> Any:
        prefix = call.text("subjectPrefix", ALL) or ""
        subjects = self._subjects.subjects(prefix, deleted=call.flag("deleted"))
        aliases: dict[str, list[str]] = {}
        if call.flag("aliases"):
            for alias, subject in self._subjects.configs.aliases().items():
                aliases.setdefault(subject, []).append(str(alias))
                if names.has_prefix(alias, prefix):
                    subjects.append(names.parse(subject))
        rule_type = call.text("ruleType")
        listed = []
        for name in sorted(set(subjects), key=str):
            versions = self._subjects.store.versions(name, deleted=call.flag("deleted"))
            versions = versions[-1:] if call.flag("latestOnly") else versions
            shown: Json = {"aliases": aliases[str(name)]} if str(name) in aliases else {}
            listed += [answers.whole(v, **shown) for v in versions if rule_type in (None, *_rule_types(v))]
        return call.page(listed)

    def _by_id(self, call: Call) -> Any:
        version = self._of_id(call)
        extra = self._extra(version.name, version.content, call)
        if call.text("referenceFormat") == "qualified" and names.is_qualified(call.text("subject") or ""):
            extra |= answers.qualified(version.content, version.name).json()
        if call.flag("fetchMaxId"):
            extra["maxId"] = self._subjects.store.context(version.name.context).next_id - 1
        return answers.schema_string(version, **extra)

    def _bare_by_id(self, call: Call) -> Any:
        try:
            return Raw(self._text(self._of_id(call), call))
        except RegistryError as error:
            if error.code == 40403:
                raise server_fault() from None
            raise

    def _of_id(self, call: Call) -> Version:
        return self._subjects.by_id(number(call.path[0]), self._asked_subject(call))

    def _asked_subject(self, call: Call) -> str | None:
        """The subject of the query, its alias followed."""
        text = call.text("subject")
        return str(self._subjects.resolve(text)) if text else None

    def _subjects_of_id(self, call: Call) -> Any:
        versions = self._having(call)
        return call.page(list(dict.fromkeys(str(version.name) for version in versions)))

    def _versions_of_id(self, call: Call) -> Any:
        versions = self._having(call)
        return call.page([{"subject": str(version.name), "version": version.version} for version in versions])

    def _having(self, call: Call) -> Any:
        id_ = number(call.path[0])
        versions = self._subjects.having(id_, self._asked_subject(call), deleted=call.flag("deleted"))
        return sorted(versions, key=lambda version: (str(version.name), version.version))

    def _by_guid(self, call: Call) -> Any:
        versions = self._subjects.by_guid(call.path[0])
        if not versions and guid_of(call.path[0]) in self._subjects.store.removed:
            # recorded as it is: a fault of the server
            raise server_fault()
        if not versions:
            raise no_schema(call.path[0])
        answer = answers.schema_string(versions[0]) | {"schema": self._text(versions[0], call)}
        return {key: value for key, value in answer.items() if key not in ("subject", "version")}

    def _ids_of_guid(self, call: Call) -> Any:
        versions = self._subjects.by_guid(call.path[0])
        return [{"context": version.name.context, "id": version.id} for version in versions]

    # ------------------------------------------------------------------ subjects

    def _list_subjects(self, call: Call) -> Any:
        prefix = call.text("subjectPrefix", ALL) or ""
        only = call.flag("deletedOnly")
        subjects = self._subjects.subjects(prefix, deleted=call.flag("deleted"), deleted_only=only)
        return call.page([str(name) for name in subjects])

    def _look_up(self, call: Call) -> Any:
        request = Request.of(call.object("lookup.request"), normalize=call.flag("normalize"))
        name = self._subjects.resolve(call.path[0])
        version = self._subjects.look_up(name, request, deleted=call.flag("deleted"))
        return answers.looked_up(version) | {"schema": self._text(version, call)}

    def _register(self, call: Call) -> Any:
        body = self._accepted(call.object("register.request"))
        request = Request.of(body, normalize=call.flag("normalize"))
        version, with_times = self._subjects.register(self._subjects.resolve(call.path[0]), request)
        return answers.registered(version, with_times=with_times) | {"schema": self._text(version, call)}

    def _accepted(self, body: Json) -> Json:
        """The body, without its rule set where rule sets are dropped."""
        dropped = () if self._subjects.keeps_rules else ("ruleSet", "rulesToMerge", "rulesToRemove")
        return {key: value for key, value in body.items() if key not in dropped}

    def _tags(self, call: Call) -> Any:
        body = self._accepted(call.object("tagSchema.request"))
        name = self._subjects.resolve(call.path[0])
        version = self._subjects.version(name, call.path[1])
        metadata = body.get("metadata")
        given = {
            "version": body.get("newVersion"),
            "metadata": version.content.metadata if metadata is None else metadata,
            "ruleSet": self._changed_rules(name, body),
            "schemaTagsToAdd": body.get("tagsToAdd"),
            "schemaTagsToRemove": body.get("tagsToRemove"),
        }
        request = Request.of(given, numbered=True).with_content_of(version.content)
        return answers.registered(self._subjects.register(name, request)[0], with_times=False)

    def _changed_rules(self, name: Name, body: Json) -> Json | None:
        """The request's rules; or those of the version before, with rules merged into them and taken out."""
        added, removed = body.get("rulesToMerge"), body.get("rulesToRemove")
        if added is None and removed is None:
            return body.get("ruleSet")
        number = int(body.get("newVersion") or 0) - 1
        versions = self._subjects.store.versions(name)
        old = versions[-1:] if number < 0 else [v for v in versions if v.version == number]
        merged = rule_sets.merge(old[0].content.rules if old else None, rule_sets.rule_set_of(added))
        if merged is None or not removed:
            return merged
        return {
            key: [rule for rule in value if rule["name"] not in removed] if key in rule_sets.PHASES else value
            for key, value in merged.items()
        }

    def _delete_subject(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        return delete_subject(self._subjects, name, permanent=call.flag("permanent"))

    def _by_metadata(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        wanted = dict(zip(call.query.get("key", []), call.query.get("value", []), strict=False))
        for version in reversed(self._subjects.versions(name, deleted=call.flag("deleted"))):
            properties = (version.content.metadata or {}).get("properties", {})
            if wanted.items() <= properties.items():
                return answers.whole(version) | {"schema": self._text(version, call)}
        raise no_schema()

    def _list_versions(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        only, deleted = call.flag("deletedOnly"), call.flag("deleted")
        self._subjects.versions(name, deleted=deleted or only)
        versions = self._subjects.versions(name, deleted=True)
        if call.flag("deletedAsNegative"):  # all of them, whatever else is asked for
            numbers = [-v.version if v.deleted else v.version for v in versions]
        else:
            numbers = [v.version for v in versions if (v.deleted if only else deleted or not v.deleted)]
        return call.page(numbers)

    def _get_version(self, call: Call) -> Any:
        version = self._version(call)
        content = version.content
        extra = self._extra(version.name, content, call)
        if call.text("referenceFormat") == "qualified":
            content = answers.qualified(content, version.name)
        return answers.whole(version, content=content, **extra)

    def _bare_version(self, call: Call) -> Any:
        return Raw(self._text(self._version(call), call))

    def _referenced_by(self, call: Call) -> Any:
        versions = self._subjects.referring(self._version(call), deleted=call.flag("deleted"))
        return call.page(sorted({version.id for version in versions}))

    def _delete_version(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        return delete_version(self._subjects, name, call.path[1], permanent=call.flag("permanent"))

    def _version(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        return self._subjects.version(name, call.path[1], deleted=call.flag("deleted"))

    def _check(self, call: Call) -> Any:
        name = self._subjects.resolve(call.path[0])
        version = call.path[1] if len(call.path) > 1 else None
        request = Request.of(call.object("compatibilityCheck.request"), normalize=call.flag("normalize"))
        verbose = call.flag("verbose")
        try:
            messages = self._subjects.check(name, version, request)
        except RegistryError as error:
            if error.code != 42201 or not verbose:
                raise
            messages = [error.message]
        verdict: Json = {"is_compatible": not messages}
        return {**verdict, "messages": messages} if verbose else verdict

    def _extra(self, name: Name, content: Any, call: Call) -> Json:
        tags = self._subjects.schemas.tags(name, content, call.query.get("findTags", []))
        extra: Json = {"schemaTags": tags} if tags else {}
        form = call.text("format")
        return {**extra, "schema": self._subjects.schemas.formatted(name, content, form)} if form else extra

    def _text(self, version: Version, call: Call) -> str:
        """The schema's text in the form that is asked for."""
        form = call.text("format")
        content = version.content
        return self._subjects.schemas.formatted(version.name, content, form) if form else content.text


_CLUSTER: Final = {
    "scope": {
        "path": [],
        "clusters": {"kafka-cluster": "sandbox", "schema-registry-cluster": "schema-registry"},
    }
}


def _rule_types(version: Version) -> list[str]:
    rule_set = version.content.rules or {}
    return [rule["type"] for phase in rule_sets.PHASES for rule in rule_set.get(phase, ())]
