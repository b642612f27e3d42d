"""What the registry holds: contexts, in them subjects with versions and an id space of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator

from attrs import define, field

from bridge.sandbox.registry.content import Content
from bridge.sandbox.registry.names import DEFAULT, Name


@define(eq=False)
class Version:
    """One version of a subject; ``created`` in milliseconds since the epoch."""

    name: Name
    version: int
    id: int
    content: Content
    created: int = field(factory=lambda: int(time.time() * 1000))
    deleted: bool = False


@define(eq=False)
class Context:
    """Subjects with their versions (oldest first) and the contents by id."""

    subjects: dict[str, list[Version]] = field(factory=dict)
    contents: dict[int, Content] = field(factory=dict)
    next_id: int = 1

    def id_of(self, content: Content) -> int | None:
        """The id under which equal content is known, the newest where there are several."""
        ids = [number for number, other in self.contents.items() if other.identity == content.identity]
        return ids[-1] if ids else None

    def versions(self) -> Iterator[Version]:
        """Every version of every subject, soft-deleted ones included, by subject."""
        for subject in sorted(self.subjects):
            yield from self.subjects[subject]


class Store:
    """Contexts by name; one exists from its first registration on."""

    def __init__(self) -> None:
        self.every: dict[str, Context] = {DEFAULT: Context()}
        self.removed: set[str] = set()

    def context(self, name: str) -> Context:
        """The context; an empty one, not kept, where there is none."""
        return self.every.get(name) or Context()

    def contexts(self) -> list[str]:
        """All contexts, the default one first."""
        return [DEFAULT, *sorted(name for name in self.every if name != DEFAULT)]

    def drop_context(self, name: str) -> bool:
        """Remove an empty context; False when it holds a subject, soft-deleted or not."""
        if any(self.context(name).subjects.values()):
            return False
        if name != DEFAULT:
            self.every.pop(name, None)
        return True

    def versions(self, name: Name, *, deleted: bool = False) -> list[Version]:
        """A subject's versions, oldest first."""
        versions = self.context(name.context).subjects.get(name.subject, [])
        return [version for version in versions if deleted or not version.deleted]

    def elsewhere(self, subject: str) -> list[Name]:
        """The same subject in other contexts than the default one."""
        others = [name for name in self.contexts() if name != DEFAULT]
        return [Name(context, subject) for context in others if subject in self.context(context).subjects]

    def add(self, name: Name, number: int, content: Content, id_: int | None = None) -> Version:
        """Add or replace a version; the id is that of equal content in the context, else the next."""
        identity = content.identity  # raises for what has none, before anything is kept
        context = self.every.setdefault(name.context, Context())
        if id_ is None:
            id_ = context.id_of(content) or context.next_id
        context.contents.pop(id_, None)
        context.contents[id_] = content
        context.next_id = max(context.next_id, id_ + 1)
        added = Version(name, number, id_, content)
        kept = [
            version
            for version in context.subjects.get(name.subject, [])
            if version.version != number and not (version.deleted and version.content.identity == identity)
        ]
        context.subjects[name.subject] = sorted([*kept, added], key=lambda version: version.version)
        return added

    def remove(self, version: Version) -> None:
        """Remove a version for good, and its content where nothing else has it."""
        context = self.context(version.name.context)
        versions = context.subjects[version.name.subject]
        versions.remove(version)
        if not versions:
            del context.subjects[version.name.subject]
        self.removed.add(version.content.guid)
        if not any(other.content.identity == version.content.identity for other in context.versions()):
            for number in [n for n, c in context.contents.items() if c.identity == version.content.identity]:
                del context.contents[number]
