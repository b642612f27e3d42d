r"""Java 17's character properties (``\p{…}`` in ``java.util.regex``) as the ``regex`` package writes them."""

from __future__ import annotations

import re
from typing import Final

_POSIX: Final = {
    "Lower": "a-z", "Upper": "A-Z", "ASCII": "\\x00-\\x7f", "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9",
    "Punct": "!-/:-@\\[-`{-~", "Graph": "!-~", "Print": " -~", "Blank": " \\t", "Cntrl": "\\x00-\\x1f\\x7f",
    "XDigit": "0-9a-fA-F", "Space": " \\t\\n\\x0b\\f\\r", "L1": "\\x00-\\xff", "all": "\\s\\S",
    "javaISOControl": "\\x00-\\x1f\\x7f-\\x9f",
}  # fmt: skip
_SUBCATEGORIES: Final = {
    "L": "ultmo", "M": "nec", "N": "dlo", "Z": "slp", "C": "cfosn", "P": "dsecoif", "S": "mcko",
}  # fmt: skip
_CATEGORIES: Final = {one + two for one, every in _SUBCATEGORIES.items() for two in ("", *every)}
_IGNORABLE: Final = "[\\x00-\\x08\\x0e-\\x1b\\x7f-\\x9f]|\\p{gc=Cf}"
_START: Final = "\\p{gc=L}|\\p{gc=Nl}"
_PART: Final = f"{_START}|\\p{{gc=Pc}}|\\p{{gc=Nd}}|\\p{{gc=Mc}}|\\p{{gc=Mn}}|{_IGNORABLE}"
_METHODS: Final = {
    "LC": "\\p{gc=Lu}|\\p{gc=Ll}|\\p{gc=Lt}",
    "LD": "\\p{gc=L}|\\p{gc=Nd}",
    "javaLowerCase": "\\p{Lowercase}", "javaUpperCase": "\\p{Uppercase}", "javaAlphabetic": "\\p{Alphabetic}",
    "javaIdeographic": "\\p{Ideographic}", "javaTitleCase": "\\p{gc=Lt}", "javaDigit": "\\p{gc=Nd}",
    "javaDefined": "\\P{gc=Cn}", "javaLetter": "\\p{gc=L}", "javaLetterOrDigit": "\\p{gc=L}|\\p{gc=Nd}",
    "javaSpaceChar": "\\p{gc=Z}", "javaMirrored": "\\p{Bidi_Mirrored}", "javaIdentifierIgnorable": _IGNORABLE,
    "javaWhitespace": "[\\t-\\r\\x1c-\\x1f]|(?![\\xa0\\u2007\\u202f])\\p{gc=Z}",
    "javaJavaIdentifierStart": f"{_START}|\\p{{gc=Sc}}|\\p{{gc=Pc}}",
    "javaJavaIdentifierPart": f"\\p{{gc=Sc}}|{_PART}",
    "javaUnicodeIdentifierStart": _START, "javaUnicodeIdentifierPart": _PART,
}  # fmt: skip
_BINARY: Final = {
    "ALPHABETIC": "\\p{Alphabetic}", "LETTER": "\\p{gc=L}", "IDEOGRAPHIC": "\\p{Ideographic}",
    "LOWERCASE": "\\p{Lowercase}", "UPPERCASE": "\\p{Uppercase}", "TITLECASE": "\\p{gc=Lt}",
    "WHITE_SPACE": "\\p{White_Space}", "CONTROL": "\\p{gc=Cc}", "PUNCTUATION": "\\p{gc=P}",
    "HEX_DIGIT": "\\p{Hex_Digit}|\\p{gc=Nd}", "ASSIGNED": "\\P{gc=Cn}", "DIGIT": "\\p{gc=Nd}",
    "NONCHARACTER_CODE_POINT": "\\p{Noncharacter_Code_Point}", "JOIN_CONTROL": "\\p{Join_Control}",
    "ALNUM": "\\p{Alphabetic}|\\p{gc=Nd}", "BLANK": "\\p{gc=Zs}|\\t",
    "WORD": "\\p{Alphabetic}|\\p{gc=M}|\\p{gc=Nd}|\\p{gc=Pc}|\\p{Join_Control}",
}  # fmt: skip
_ALIASES: Final = {
    "WHITESPACE": "WHITE_SPACE", "HEXDIGIT": "HEX_DIGIT", "JOINCONTROL": "JOIN_CONTROL",
    "NONCHARACTERCODEPOINT": "NONCHARACTER_CODE_POINT",
}  # fmt: skip
_KEYS: Final = {
    "sc": "sc",
    "script": "sc",
    "blk": "blk",
    "block": "blk",
    "gc": "gc",
    "general_category": "gc",
}
_VALUE: Final = re.compile(r"[A-Za-z0-9_ -]+")


def posix(name: str) -> str | None:
    """The inside of a class of the first 256 characters that Java knows by a name; None for another property."""
    return _POSIX.get(name)


def expression(name: str) -> str:
    """An expression for one character of a property, which only the ``regex`` package reads. ValueError."""
    key, equals, value = name.partition("=")
    if equals:
        kind = _KEYS.get(key.lower())
        if kind is None or not _VALUE.fullmatch(value):
            raise ValueError(f"Unknown Unicode property {{name=<{key}>, value=<{value}>}}")
        if kind == "gc" and value not in _CATEGORIES and value not in _METHODS:
            raise ValueError(f"Unknown general category {{{value}}}")
        inner = _METHODS[value] if kind == "gc" and value in _METHODS else f"\\p{{{kind}={value}}}"
    elif name.startswith("In") and _VALUE.fullmatch(name):
        inner = f"\\p{{blk={name[2:]}}}"
    elif name.startswith("Is"):
        inner = _is(name[2:])
    elif name in _CATEGORIES:
        inner = f"\\p{{gc={name}}}"
    elif name in _METHODS:
        inner = _METHODS[name]
    else:
        raise ValueError(f"Unknown character property name {{{name}}}")
    return f"(?u:{inner})"


def _is(name: str) -> str:
    upper = name.upper()
    if binary := _BINARY.get(_ALIASES.get(upper, upper)):
        return binary
    if name in _CATEGORIES:
        return f"\\p{{gc={name}}}"
    if name in _METHODS:
        return _METHODS[name]
    if (inside := _POSIX.get(name)) is not None:
        return f"[{inside}]"
    if not re.fullmatch(r"[A-Za-z_ ]+", name):
        raise ValueError(f"Unknown character script name {{{name}}}")
    return f"\\p{{sc={name}}}"
