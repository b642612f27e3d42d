"""Deleting versions and subjects: softly first, then for good; what is referred to stays."""

from __future__ import annotations

from bridge.sandbox.registry.error_codes import RegistryError, not_permitted
from bridge.sandbox.registry.names import Name
from bridge.sandbox.registry.store import Version
from bridge.sandbox.registry.subjects import Subjects, pick, version_number


def delete_version(subjects: Subjects, name: Name, text: str, *, permanent: bool) -> int:
    """Delete a version. Raises 40401, 40402, 40406, 40407, 42202, 42205, 42206."""
    number = version_number(text)
    everything = subjects.versions(name, deleted=True)
    live = [version for version in everything if not version.deleted]
    version = pick(everything if number else live or everything, number)
    subjects.check_writable(name)
    if _referred(subjects, version, permanent=permanent):
        raise _still_referred(version)
    what = f"Subject '{name}' Version {version.version}"
    if permanent:
        if not version.deleted:
            raise RegistryError(40407, f"{what} was not deleted first before being permanently deleted")
        subjects.store.remove(version)
        if not subjects.store.versions(name, deleted=True):
            _forget(subjects, name)
    elif version.deleted:
        raise RegistryError(40406, f"{what} was soft deleted.Set permanent=true to delete permanently")
    version.deleted = True
    return version.version


def delete_subject(subjects: Subjects, name: Name, *, permanent: bool) -> list[int]:
    """Delete a subject's versions. Raises 40401, 40404, 40405, 42205, 42206."""
    everything = subjects.versions(name, deleted=True)
    live = [version for version in everything if not version.deleted]
    subjects.check_writable(name)
    for version in everything if permanent else live:
        # references within the subject go with it
        if any(other.name != name for other in _referred(subjects, version, permanent=permanent)):
            raise _still_referred(version)
        if permanent and not version.deleted:
            text = f"Subject '{name}' was not deleted first before being permanently deleted"
            raise RegistryError(40405, text)
    if permanent:
        for version in list(everything):
            subjects.store.remove(version)
        _forget(subjects, name)
        return [version.version for version in everything]
    if not live:
        text = f"Subject '{name}' was soft deleted.Set permanent=true to delete permanently"
        raise RegistryError(40404, text)
    for version in live:
        version.deleted = True
    return [version.version for version in live]


def make_room(subjects: Subjects, name: Name) -> None:
    """Before imports: nothing live may be in the scope, and what is softly deleted goes. Raises 42205, 42206."""
    if name.subject:
        versions = subjects.store.versions(name, deleted=True)
    else:
        versions = list(subjects.store.context(name.context).versions())
    if any(not version.deleted for version in versions):
        raise not_permitted("Cannot import since found existing subjects")
    for version in versions:
        if _referred(subjects, version, permanent=True):
            raise _still_referred(version)
    for version in versions:
        subjects.store.remove(version)


def _forget(subjects: Subjects, name: Name) -> None:
    subjects.configs.delete(name)
    if subjects.modes.own(name):
        subjects.modes.delete(name)


def _referred(subjects: Subjects, version: Version, *, permanent: bool) -> list[Version]:
    return subjects.referring(version, deleted=permanent)


def _still_referred(version: Version) -> RegistryError:
    key = f"{{magic=1,keytype=SCHEMA,subject={version.name},version={version.version}}}"
    return RegistryError(42206, f"One or more references exist to the schema {key}.")
