"""Tags in options: those of the registry's extensions ``(confluent.message_meta)`` and ``(confluent.field_meta)``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bridge.languages.protobuf.elements import Option, Primitive
from bridge.languages.protobuf.option_text import merged

FIELD: Final = "confluent.field_meta"
MESSAGE: Final = "confluent.message_meta"
TAGS: Final = "tags"


def tags_of(options: Iterable[Option], meta: str) -> list[str]:
    """The tags that an extension carries, however it is written, each once and in their order."""
    option = merged(options).get(meta)
    given = option.value.get(TAGS, ()) if option is not None and option.kind == "MAP" else ()
    listed = given if isinstance(given, list) else [given] if given else []
    # a word without quotes is no string for a compiler, but meant as a tag it is
    words = (tag.text if isinstance(tag, Primitive) else tag for tag in listed)
    return list(dict.fromkeys(word for word in words if isinstance(word, str)))
