"""The schema registry's operations that the bridge needs; metadata and rule sets pass through untouched.

Protocol: Schema Registry 8.3 REST API (``/subjects``, ``/schemas/ids``, ``/compatibility``, ``/config``).
Every method raises Retriable(stage=SCHEMA) when the registry cannot be reached in time, and Fatal(stage=SCHEMA)
with one sentence for what it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import quote

from attrs import evolve

from bridge.errors import Fatal, Stage
from bridge.errors.words import words
from bridge.model.registered import Registered
from bridge.model.registry_documents import ReferenceDocument
from bridge.model.texts import ReferringText, imports_of
from bridge.registry import answers
from bridge.registry.answers import checked
from bridge.registry.http import Http, Refused

_NO_SUBJECT, _NO_VERSION, _NO_SCHEMA, _INVALID, _NOT_PERMITTED = 40401, 40402, 40403, 42201, 42205
# Avro's differences are quoted with ', those of JSON Schema and Protobuf with ", which the former's lacks at the end.
_DESCRIPTION: Final = re.compile(
    r"""description:\s*(?:'(.*?)'\s*,\s*additionalInfo|"([^"]*?)(?:'\}|"\}))""", re.DOTALL
)


T = TypeVar("T")
_Key = tuple[str, int]
"""A subject and the number of a version of it."""
_DEEPEST: Final = 50
_MOST: Final = 2000


class Incompatible(Fatal):
    """The registry refuses a schema because of an earlier version; the message says what differs."""


class Registry:
    """Subjects are qualified names (``subjects.qualified``)."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._referred: dict[tuple[str, int], Registered | None] = {}

    def close(self) -> None:
        """End the waiting between two attempts."""
        self._http.closed.set()

    def latest(self, subject: str) -> Registered | None:
        """The latest version, None where the subject has none."""
        return self._version(subject, "latest")

    def version(self, subject: str, number: int, *, deleted: bool = False) -> Registered | None:
        """One version, None where there is no such version. ``deleted``: or one that is soft-deleted."""
        return self._version(subject, str(number), deleted)

    def versions(self, subject: str, *, deleted: bool = False) -> list[int]:
        """The numbers of all versions, empty for an unknown subject. ``deleted``: of soft-deleted ones, too."""
        path = f"/subjects/{_quoted(subject)}/versions{_deleted(deleted)}"
        numbers = self._find("GET", path, subject, list[int], (_NO_SUBJECT,))
        return list(numbers or [])

    def completed(self, answer: object, subject: str, schema_id: int) -> Registered:
        """A schema that was asked for by its id, which names no subject, with the texts of its references."""
        schema = checked(answer, answers.Schema, f"schema {schema_id}")
        whole: answers.Version = {**schema, "subject": subject, "version": 0, "id": schema_id}
        completed = self._complete(_registered(whole))
        assert completed is not None
        return completed

    def by_id(self, schema_id: int, context: str = "") -> str:
        """The text of a schema by its id in a context (``:.ctx:``, empty: the default one)."""
        query = f"?subject={_quoted(context)}" if context else ""
        what = f"schema {schema_id} of {context or 'the default context'}"
        answer = self._ask("GET", f"/schemas/ids/{schema_id}{query}", what, answers.Schema)
        return answer["schema"]

    def lookup(
        self, subject: str, text: str, type_: str = "AVRO", *, normalize: bool = False
    ) -> Registered | None:
        """The version of the subject that has this text, None where none has. ``normalize``: or an equal one."""
        missing, path = (_NO_SUBJECT, _NO_SCHEMA), f"/subjects/{_quoted(subject)}{_normalized(normalize)}"
        answer = self._find("POST", path, subject, answers.Version, missing, _body(text, type_))
        return self._complete(_in_context(answer, subject))

    def register(
        self,
        subject: str,
        text: str,
        *,
        type_: str = "AVRO",
        like: Registered | None = None,
        normalize: bool = False,
    ) -> Registered:
        """Register a text, with metadata, rules and references of ``like``; then read back what is there.

        ``normalize``: the registry stores it normalized, so that what is equal to a version makes no new one.
        Raises Incompatible with the difference in the registry's words.
        """
        body = _body(text, type_)
        if like is not None:
            carried = {
                "references": list(like.references),
                "metadata": like.metadata,
                "ruleSet": like.rule_set,
            }
            body |= {key: value for key, value in carried.items() if value}
        path = f"/subjects/{_quoted(subject)}/versions{_normalized(normalize)}"
        number = self._ask("POST", path, subject, answers.Registration, body).get("version")
        stored = (
            self.version(subject, number)
            if isinstance(number, int)
            else self.lookup(subject, text, type_, normalize=normalize)
        )
        if stored is None:
            raise Fatal(f"the registry registered {subject} and does not have it", stage=Stage.SCHEMA)
        return stored

    def compatible(self, subject: str, text: str, type_: str = "AVRO") -> tuple[bool, list[str]]:
        """Whether a text could follow the latest version, and what stands against it."""
        path = f"/compatibility/subjects/{_quoted(subject)}/versions/latest?verbose=true"
        verdict = self._ask("POST", path, subject, answers.Verdict, _body(text, type_))
        return verdict["is_compatible"], differences(" ".join(verdict.get("messages") or []))

    def config(self, subject: str) -> Mapping[str, object]:
        """The subject's own configuration, empty where it has none."""
        none = (40408, _NO_SUBJECT)
        settings = self._find("GET", f"/config/{_quoted(subject)}", subject, dict[str, object], none)
        return settings or {}

    def set_config(self, subject: str, config: Mapping[str, object]) -> None:
        """Change the subject's configuration; what is not named stays."""
        self._ask("PUT", f"/config/{_quoted(subject)}", subject, object, dict(config))

    def _version(
        self, subject: str, number: str, deleted: bool = False, above: frozenset[_Key] = frozenset()
    ) -> Registered | None:
        missing = (_NO_SUBJECT, _NO_VERSION)
        path = f"/subjects/{_quoted(subject)}/versions/{number}{_deleted(deleted)}"
        answer = self._find("GET", path, subject, answers.Version, missing)
        return self._complete(_in_context(answer, subject), above)

    def _complete(
        self, registered: Registered | None, above: frozenset[_Key] = frozenset()
    ) -> Registered | None:
        """With the texts of its references. ``above``: what led here, so that a circle is noticed."""
        if registered is None or not registered.references:
            return registered
        imports: dict[str, str] = {}
        for reference in registered.references:
            self._follow(
                reference, registered.subject, imports, above | {(registered.subject, registered.version)}
            )
        return evolve(registered, text=ReferringText(registered.text, imports))

    def _follow(
        self, reference: ReferenceDocument, parent: str, imports: dict[str, str], above: frozenset[_Key]
    ) -> None:
        """A reference's subject is in its parent's context unless it is qualified. A version never changes."""
        name, version = reference["name"], reference.get("version") or -1
        subject = in_context_of(reference["subject"], parent)
        if name in imports:
            return
        if (subject, version) in above or len(above) > _DEEPEST or len(self._referred) > _MOST:
            raise schema_fatal(
                f"{parent} refers to version {version} of {subject} in a circle, or through more than {_DEEPEST} others"
            )
        if (subject, version) not in self._referred:
            here = above | {(subject, version)}
            self._referred[subject, version] = self._version(subject, str(version), above=here)
        referred = self._referred[subject, version]
        if referred is None:
            raise schema_fatal(
                f"{parent} refers to version {version} of {subject}, which the registry does not have"
            )
        imports |= imports_of(referred.text)
        imports[name] = str(referred.text)

    def _find(
        self, method: str, path: str, subject: str, shape: type[T], none: tuple[int, ...], body: object = None
    ) -> T | None:
        """The answer, of the shape that is expected; None for a refusal with one of the codes ``none``, and for 404."""
        try:
            answer = self._http.call(method, path, body)
        except Refused as refusal:
            if refusal.code in none or refusal.status == refusal.code == 404:
                return None
            raise _worded(refusal, subject) from None
        return checked(answer, shape, subject)

    def _ask(self, method: str, path: str, subject: str, shape: type[T], body: object = None) -> T:
        """The answer, of the shape that is expected."""
        try:
            answer = self._http.call(method, path, body)
        except Refused as refusal:
            raise _worded(refusal, subject) from None
        return checked(answer, shape, subject)


def differences(message: str) -> list[str]:
    """What is incompatible, out of the registry's message; the message itself where it has another form."""
    described = [(avro or other).strip() for avro, other in _DESCRIPTION.findall(message)]
    return list(dict.fromkeys(described)) or ([message] if message else [])


def _worded(refusal: Refused, subject: str) -> Fatal:
    if refusal.status == 403:
        return schema_fatal(
            f"the registry does not allow this for {subject} (403): {_short(refusal.message)}"
        )
    if refusal.status == 409:
        difference = "; ".join(differences(refusal.message))
        text = (
            f"the new schema is incompatible with the registered one of {subject}: {_short(difference, 2000)}"
        )
        return Incompatible(text, stage=Stage.SCHEMA)
    if refusal.code == _INVALID:
        return schema_fatal(
            f"the registry does not accept the schema for {subject}: {_short(refusal.message)}"
        )
    if refusal.code == _NOT_PERMITTED:
        return schema_fatal(
            f"the registry takes no new schema for {subject} ({_short(refusal.message)}); change its mode to "
            "READWRITE, or register the schema there and set value.converter.auto.register.schemas=false"
        )
    return schema_fatal(f"the registry refused {subject} ({refusal.code}): {_short(refusal.message)}")


def schema_fatal(message: str) -> Fatal:
    """What is wrong with a schema, as an error."""
    return Fatal(message, stage=Stage.SCHEMA)


def _short(message: str, length: int = 300) -> str:
    return words(message, longest=length)


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _deleted(deleted: bool) -> str:
    return "?deleted=true" if deleted else ""


def _normalized(normalize: bool) -> str:
    """A registry normalizes by its own configuration, too, so what is not wanted is not said either."""
    return "?normalize=true" if normalize else ""


def _body(text: str, type_: str) -> dict[str, object]:
    return {"schema": text} if type_ == "AVRO" else {"schema": text, "schemaType": type_}


def _in_context(answer: answers.Version | None, subject: str) -> Registered | None:
    """None also for an answer out of another context: registries search them all for an unqualified subject,
    and the id of another context means another schema to a consumer. (An alias may change the subject.)"""
    if answer is None:
        return None
    registered = _registered(answer)
    return registered if _context(registered.subject) == _context(subject) else None


def _context(subject: str) -> str:
    return subject.split(":")[1] if subject.startswith(":.") else "."


def in_context_of(subject: str, parent: str) -> str:
    """A subject as it is meant in another one's context."""
    qualified = subject.startswith(":") or not parent.startswith(":.")
    return subject if qualified else f":{parent.split(':')[1]}:{subject}"


def _registered(answer: answers.Version) -> Registered:
    return Registered(
        subject=answer["subject"],
        version=answer["version"],
        id=answer["id"],
        text=answer["schema"],
        type=answer.get("schemaType") or "AVRO",
        references=tuple(answer.get("references") or ()),
        metadata=answer.get("metadata"),
        rule_set=answer.get("ruleSet"),
        guid=answer.get("guid"),
    )
