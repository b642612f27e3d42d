"""What can be done with subjects: register, look up, get, delete, check compatibility."""

from __future__ import annotations

import threading
from typing import Any, Final

from attrs import evolve

from bridge.java.hash_order import hash_order
from bridge.languages.compatibility import Earlier, InvalidSchema, incompatibilities
from bridge.sandbox.registry import names, rule_sets
from bridge.sandbox.registry.content import VERSION_PROPERTY, Content, guid_of, merge_metadata
from bridge.sandbox.registry.error_codes import (
    RegistryError,
    invalid_schema,
    no_schema,
    no_subject,
    no_version,
    not_permitted,
)
from bridge.sandbox.registry.matching import finds, noted_version
from bridge.sandbox.registry.names import Name
from bridge.sandbox.registry.numerals import java_int
from bridge.sandbox.registry.schemas import Request, Schemas
from bridge.sandbox.registry.settings import READ_ONLY, Configs, Modes
from bridge.sandbox.registry.store import Store, Version

RESERVED_PROPERTY: Final = "confluent:reserved"


class Subjects:
    """The registry's operations on one store; thread-safe, as one lock is held around each by the routes."""

    def __init__(self, *, keeps_rules: bool = True) -> None:
        self.keeps_rules = keeps_rules
        self.lock = threading.RLock()
        self.store = Store()
        self.configs = Configs()
        self.modes = Modes()
        self.schemas = Schemas(self.store)

    # ------------------------------------------------------------------ reading

    def resolve(self, text: str) -> Name:
        """A subject as a path names it, its alias followed."""
        name = names.parse(text)
        alias = self.configs.alias(name)
        return names.beside(alias, name) if alias else name

    def versions(self, name: Name, *, deleted: bool = False) -> list[Version]:
        """The versions. Raises 40401 where there is none."""
        versions = self.store.versions(name, deleted=deleted)
        if not versions:
            raise no_subject(name)
        return versions

    def version(self, name: Name, text: str, *, deleted: bool = False) -> Version:
        """One version by number, ``latest`` or ``-1``; an unqualified subject may be in another context."""
        number = version_number(text)
        candidates = [name, *self.store.elsewhere(name.subject)] if name.context == names.DEFAULT else [name]
        for candidate in candidates:
            versions = self.store.versions(candidate, deleted=deleted)
            if versions:
                return pick(versions, number)
        raise no_subject(name)

    def look_up(self, name: Name, request: Request, *, deleted: bool = False) -> Version:
        """The version that has this schema. Raises 40401, 40403."""
        candidates = [name, *self.store.elsewhere(name.subject)] if name.context == names.DEFAULT else [name]
        existing = [candidate for candidate in candidates if self.store.versions(candidate, deleted=deleted)]
        if not existing:
            raise no_subject(name)
        if not request.text:
            raise no_schema()
        request = self._normalizing(name, request)
        for candidate in existing:
            content = self.schemas.content(candidate, request)
            version, _ = self._known(candidate, content, deleted=deleted)
            if version is None and self.store.versions(candidate):
                merged = self._merged(candidate, content, request)
                version, _ = self._known(candidate, merged, deleted=deleted)
            if version is not None:
                return version
        raise no_schema()

    def by_id(self, id_: int, subject: str | None) -> Version:
        """A version that carries an id, in the context that ``subject`` points to. Raises 40403."""
        if subject and not names.is_qualified(subject):
            wanted = names.parse(subject)
            for name in (wanted, *self.store.elsewhere(wanted.subject)):
                versions = [v for v in self._with_id(name.context, id_) if v.name == name]
                if versions:
                    return versions[0]
        name = (
            names.parse(subject or "") if subject and names.is_qualified(subject) else Name(names.DEFAULT, "")
        )
        for version in self._with_id(name.context, id_):
            if not name.subject or version.name == name:
                return version
        raise no_schema(id_)

    def having(self, id_: int, subject: str | None, *, deleted: bool) -> list[Version]:
        """All versions that carry an id. Raises 40403 where the id is unknown."""
        context = names.parse(subject or "").context
        if id_ not in self.store.context(context).contents:
            raise RegistryError(40403, "Schema not found")
        return [version for version in self._with_id(context, id_) if deleted or not version.deleted]

    def by_guid(self, guid: str) -> list[Version]:
        """One version for each context that has the content; empty when none has."""
        versions = []
        wanted = guid_of(guid)
        for context in self.store.contexts():
            having = [v for v in self.store.context(context).versions() if v.content.guid == wanted]
            versions += sorted(having, key=lambda version: version.deleted)[:1]
        return versions

    def subjects(self, prefix: str, *, deleted: bool = False, deleted_only: bool = False) -> list[Name]:
        """The subjects under a prefix, in the order of their qualified names."""
        listed = []
        for context in self.store.contexts():
            for subject, versions in self.store.context(context).subjects.items():
                live = any(not version.deleted for version in versions)
                wanted = not live if deleted_only else live or deleted
                if wanted and names.has_prefix(Name(context, subject), prefix):
                    listed.append(Name(context, subject))
        return sorted(listed, key=str)

    def referring(self, version: Version, *, deleted: bool = False) -> list[Version]:
        """The versions that refer to a version."""
        return [
            other
            for other in self.store.context(version.name.context).versions()
            if (deleted or not other.deleted) and self._refers(other, version)
        ]

    def _refers(self, other: Version, version: Version) -> bool:
        return any(
            self.schemas.reference_name(reference, other.name) == version.name
            and reference.version == version.version
            for reference in other.content.references
        )

    # ------------------------------------------------------------------ changing

    def register(self, name: Name, request: Request) -> tuple[Version, bool]:
        """Register a schema; the version, and whether the answer shows when that was.

        Raises 409xx incompatible, 42201 invalid, 42205 not permitted, 42208 bad subject, 42210 bad rule set.
        """
        names.checked(name)
        request = self._normalizing(name, request)
        existing = self.store.versions(name)
        latest = existing[-1] if existing else None
        if not request.text:
            if latest is None:
                raise invalid_schema("Empty schema")
            request = request.with_content_of(latest.content)
        content = self.schemas.content(name, request)
        importing = request.id is not None and request.id >= 0
        if not request.edits_tags and not self.configs.completes(name):
            earlier, exactly = self._known(name, content, latest_only=request.version == -1)
            versions = (0, -1, earlier.version) if earlier and importing else (0, -1)
            if earlier and request.version in versions and (not importing or request.id == earlier.id):
                return earlier, not exactly
        if importing:
            return self._import(name, content, request), False
        self._check_mode(name)
        number = request.version or (-1 if request.edits_tags else 0)
        following = self._following(name)
        if request.propagates and latest is not None:
            content = self.schemas.content(
                name, request.with_tags(self.schemas.tags(name, latest.content, ["*"]))
            )
        merged = self._merged(name, content, request)
        if number or noted_version(merged) is not None:
            merged = merged.with_property(VERSION_PROPERTY, str(following))
        if not number:
            earlier, _ = self._known(name, merged)
            if earlier is not None:
                return earlier, False
        messages = self._incompatibilities(name, merged, existing)
        if messages:
            text = f'Schema being registered is incompatible with an earlier schema for subject "{name}", details: '
            raise RegistryError(40901, f"{text}[{', '.join(messages)}]")
        if number > 0 and number != following:
            raise invalid_schema("Version is not one more than previous version")
        return self.store.add(name, following, merged), False

    def check(self, name: Name, version: str | None, request: Request) -> list[str]:
        """What stands against registering a schema after one version, or after all as the level asks."""
        earlier = self.store.versions(name)
        if version is not None:
            number = version_number(version)
            if earlier:
                earlier = [pick(earlier, number)]
            elif number is not None:
                raise no_version(number)
        if not request.text:
            raise invalid_schema("Empty schema")
        content = self.schemas.content(name, self._normalizing(name, request))
        return self._incompatibilities(name, content, earlier)

    # ------------------------------------------------------------------ inside

    def _normalizing(self, name: Name, request: Request) -> Request:
        """The request, normalizing also where the configuration says so."""
        config = self.configs.effective(name)
        normalize = request.normalize or config.get("normalize") is True
        return evolve(request, normalize=normalize, strict=config.get("validateFields") is True)

    def _with_id(self, context: str, id_: int) -> list[Version]:
        holder = self.store.context(context)
        content = holder.contents.get(id_)
        if content is None:
            return []
        having = [v for v in holder.versions() if v.content.identity == content.identity]
        return sorted(having, key=lambda version: version.deleted)

    def _known(
        self, name: Name, content: Content, *, latest_only: bool = False, deleted: bool = False
    ) -> tuple[Version | None, bool]:
        """The version that has this content, and whether it is the very same."""
        versions = self.store.versions(name, deleted=deleted)
        if latest_only:
            versions = versions[-1:]
        else:
            for version in versions:
                if version.content.identity == content.identity:
                    return version, True
        for version in reversed(versions):
            if finds(self.schemas, name, content, version):
                return version, False
        return None, False

    def _merged(self, name: Name, content: Content, request: Request) -> Content:
        """Metadata and rules: the configuration's defaults, the request's or the latest's, its overrides."""
        existing = self.store.versions(name)
        previous = existing[-1].content if existing else None
        metadata = request.metadata if request.has_metadata else previous.metadata if previous else None
        rule_set = request.rules if request.has_rules else previous.rules if previous else None
        config = self.configs.effective(name)
        metadata = merge_metadata(config.get("defaultMetadata"), metadata)
        metadata = merge_metadata(metadata, config.get("overrideMetadata"))
        rule_set = rule_sets.merge(config.get("defaultRuleSet"), rule_set)
        rule_set = rule_sets.merge(rule_set, config.get("overrideRuleSet"))
        return evolve(content, metadata=metadata, rules=rule_set)

    def _incompatibilities(self, name: Name, content: Content, existing: list[Version]) -> list[str]:
        config = self.configs.effective(name)
        level, fields = str(config["compatibilityLevel"]), bool(config.get("validateFields"))
        conflicts = self._reserved_conflicts(name, content, existing) if fields else []
        group = config.get("compatibilityGroup")
        if group:
            mine = _property(content, group)
            existing = [version for version in existing if _property(version.content, group) == mine]
        earlier = [Earlier(v.version, self.schemas.source(v.name, v.content)) for v in existing]
        try:
            problems = incompatibilities(
                level,
                self.schemas.source(name, content),
                earlier,
                lenient=config.get("compatibilityPolicy") == "LENIENT",
                validate_fields=fields,
            )
        except InvalidSchema as broken:  # each is a schema, but they cannot be compared
            problems = [f"{{errorType: 'UNCOMPARABLE', description: '{broken}'}}"]
        if conflicts and not problems:
            problems = [f"{{validateFields: 'true', compatibility: '{level}'}}"]
        return [*conflicts, *problems]

    def _reserved_conflicts(self, name: Name, content: Content, existing: list[Version]) -> list[str]:
        """Fields that metadata reserves must stay reserved and unused."""
        reserved = _reserved(content)
        gone = _reserved(existing[-1].content) - reserved if existing else set()
        removed = "removed from its metadata which is present in the old schema's metadata."
        conflict = "The new schema has field that conflicts with the reserved field"
        used = reserved & self.schemas.fields(name, content) if reserved else set()
        return [
            *(f"The new schema has reserved field {entry} {removed}" for entry in hash_order(sorted(gone))),
            *(f"{conflict} {entry}." for entry in hash_order(sorted(used))),
        ]

    def _import(self, name: Name, content: Content, request: Request) -> Version:
        where = f"Subject {name} in context {name.context_prefix}"
        if self.modes.effective(name) not in ("IMPORT", "FORWARD"):
            raise not_permitted(f"{where} is not in import mode")
        id_ = int(request.id or 0)
        stored = self.store.context(name.context).contents.get(id_)
        if stored and stored.identity != content.identity:
            text = f"Overwrite new schema with id {id_} in context {name.context_prefix} is not permitted."
            raise not_permitted(text)
        number = request.version if request.version > 0 else self._following(name)
        return self.store.add(name, number, content, id_)

    def _following(self, name: Name) -> int:
        """The next version's number; those of soft-deleted versions count."""
        existing = self.store.versions(name, deleted=True)
        return existing[-1].version + 1 if existing else 1

    def _check_mode(self, name: Name) -> None:
        where = f"Subject {name} in context {name.context_prefix}"
        mode = self.modes.effective(name)
        if mode == "IMPORT":
            raise not_permitted(f"{where} is not in read-write mode")
        if mode in READ_ONLY:
            raise not_permitted(f"{where} is in read-only mode")

    def check_writable(self, name: Name) -> None:
        """Raises 42205 in a read-only subject or context."""
        if self.modes.effective(name) in READ_ONLY:
            raise not_permitted(f"Subject {name} in context {name.context_prefix} is in read-only mode")


def version_number(text: str) -> int | None:
    """A version as a path names it, read as Java reads numbers; None for the latest. Raises 42202."""
    word = text.strip()
    if word.lower() == "latest":
        return None
    number = java_int(word)
    if number is not None:
        if number == -1:
            return None
        if number > 0:
            return number
        text = str(number)
    message = (
        f"The specified version '{text}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"'
    )
    raise RegistryError(42202, message)


def pick(versions: list[Version], number: int | None) -> Version:
    """The version of a number, the last one for None. Raises 40402."""
    if number is None:
        return versions[-1]
    for version in versions:
        if version.version == number:
            return version
    raise no_version(number)


def _property(content: Content, key: str) -> Any:
    return (content.metadata or {}).get("properties", {}).get(key)


def _reserved(content: Content) -> set[str]:
    listed = str(_property(content, RESERVED_PROPERTY) or "").split(",")
    return {entry.strip() for entry in listed if entry.strip()}
