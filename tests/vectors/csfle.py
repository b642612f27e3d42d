"""Runner ``csfle``: messages of Java's serializers, decrypted and encrypted again from the files alone.

Form of the files: ``csfle/README.md``. For each message: it opens to the recorded plaintext; its plaintext,
encrypted by ours with the same DEKs, encrypts the same fields and opens again; AES256_SIV gives the same bytes. A
refusal of ours is named after its reason (``refused.…``), so that a rule can set it aside; what is refused and was
refused there, too, has passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.encryption.envelope import NotDecryptedError
from bridge.encryption.rules import StrayTagError
from bridge.errors import BridgeError, Fatal
from tests.vectors.csfle_case import Case, Refusal

Outcome = tuple[str, str | None]
"""What was compared, and the difference in words or None."""


def check(path: Path) -> Iterator[Outcome]:
    """Every comparison of one file."""
    case = Case(json.loads(path.read_text(encoding="utf-8")))
    for number, message in enumerate(case.recorded["messages"]):
        if "value" in message:
            yield f"decrypt[{number}]", _decrypt(case, message)
        yield from _encrypt(case, number, message)


def _decrypt(case: Case, message: dict[str, Any]) -> str | None:
    """A message that nobody can open, since its protected fields are plaintext, must not open here either."""
    lost = _lost(message)
    try:
        opened = case.decrypted(bytes.fromhex(message["value"]), message.get("headers"))
    except NotDecryptedError as error:
        return None if lost else str(error)
    if lost:
        return "protected fields are plaintext, and nothing was said"
    return _difference(case, message["plaintext"], opened)


def _lost(message: dict[str, Any]) -> bool:
    """Whether its protected fields were written in plaintext, so that nobody can read it."""
    unread = not message["javaDecodes"] and not message["pythonDecodes"]
    return unread and message.get("wire") == message["plaintext"]


def _encrypt(case: Case, number: int, message: dict[str, Any]) -> Iterator[Outcome]:
    try:
        made = case.encrypted(message["plaintext"], message.get("headers"))
    except StrayTagError:
        yield f"refused.stray-tag[{number}]", "a tag that reaches no field"
    except Refusal as refusal:
        same = "error" in message
        yield f"refused.{refusal.reason}[{number}]", None if same else str(refusal)
    except Fatal as error:
        yield f"encrypt[{number}]", error.message
    else:
        yield from _made(case, number, message, made)


def _made(case: Case, number: int, message: dict[str, Any], made: bytes) -> Iterator[Outcome]:
    if "error" in message:
        kind = (
            "null-in-map"
            if "NullPointerException" in message["error"] and _null_in(message["plaintext"])
            else "value"
        )
        yield f"accepted.{kind}[{number}]", f"written here, refused there: {message['error']}"
        return
    try:
        yield (
            f"encrypt[{number}]",
            _difference(case, message["plaintext"], case.decrypted(made, message.get("headers"))),
        )
    except (NotDecryptedError, BridgeError) as error:
        yield f"encrypt[{number}]", str(error)
        return
    if "wire" in message and not _lost(message):
        ours, theirs = (
            case.sealed(made, message),
            case.sealed(bytes.fromhex(message["value"]), message),
        )
        yield (
            f"fields[{number}]",
            None if ours == theirs else f"expected {sorted(theirs)}, made {sorted(ours)}",
        )
    if not case.deterministic or case.recorded["format"] not in ("AVRO", "JSON"):
        return
    if case.versions(made, message) == case.versions(bytes.fromhex(message["value"]), message):
        headers = message.get("headers")
        theirs_bytes = bytes.fromhex(message["value"])
        expected = case.comparable(theirs_bytes, headers, made)
        found = case.comparable(made, headers, theirs_bytes)
        yield f"bytes[{number}]", None if found == expected else f"expected {expected!r}, made {found!r}"


def _null_in(document: Any) -> bool:
    """Whether anything in a document is null."""
    if isinstance(document, dict | list):
        return any(map(_null_in, document.values() if isinstance(document, dict) else document))
    return document is None


def _difference(case: Case, expected: Any, found: Any) -> str | None:
    expected, found = case.normal(expected), case.normal(found)
    return None if expected == found else f"expected {str(expected)[:300]}, found {str(found)[:300]}"
