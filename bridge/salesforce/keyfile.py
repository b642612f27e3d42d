"""Where a keystore's bytes come from: a data URL or bare base64 in the configuration, or a file. Bounded in
size."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.contents import backslashes
from bridge.errors import ConfigurationError, Fault

FILE = "salesforce.jwt.keystore.file"
PATH = "salesforce.jwt.keystore.path"
MAX_BYTES = 1 << 20

# The reference page prints both ";base64," and ":base64", and leaves out the comma once.
DATA_URL = re.compile(r"data:[^,]{0,200}?[;:]base64,?", re.IGNORECASE)
# How base64 of a JKS file (FEEDFEED, version 1 or 2) and of a DER sequence of more than 255 bytes begins.
BARE_BASE64 = re.compile(r"(?:/u3\+7QAAAA|MII)[A-Za-z0-9+/=\s]{100,}")


def read_keystore_bytes(connector: Mapping[str, Any]) -> tuple[str, bytes]:
    """The property that was used, and the bytes. Raises ConfigurationError."""
    given = [key for key in (FILE, PATH) if connector.get(key)]
    if not given:
        raise ConfigurationError([Fault(FILE, "is required with salesforce.grant.type=JWT_BEARER")])
    if len(given) == 2:
        raise ConfigurationError([Fault(PATH, f"and {FILE} are both given; one of them is enough")])
    key, value = given[0], str(connector[given[0]]).strip()
    data = _from_file(key, value) if key == PATH else _from_value(value)
    if not data:
        raise _refused(key, "is empty")
    if len(data) > MAX_BYTES:
        raise _refused(key, f"is larger than {MAX_BYTES} bytes; that is no keystore with one key")
    return key, data


def _from_value(value: str) -> bytes:
    if prefix := DATA_URL.match(value):
        return _decoded(value[prefix.end() :])
    if value[:5].lower() == "data:":
        raise _refused(FILE, "is a data URL without base64; write data:text/plain;base64,<content>")
    if value.startswith("-----BEGIN "):
        return value[: MAX_BYTES + 1].encode()
    if BARE_BASE64.fullmatch(value):
        return _decoded(value)
    return _from_file(FILE, value)


def _decoded(text: str) -> bytes:
    plain = re.sub(r"\s+", "", text[: 2 * MAX_BYTES]).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _refused(FILE, "holds no valid base64; encode the keystore with: base64 -w0 FILE") from None


def _from_file(key: str, path: str) -> bytes:
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise _refused(key, "names something that is not a file")  # reading a pipe could wait for ever
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        # The path is not repeated: base64 pasted without its prefix would come here, and be the key.
        what = "names no file, and is no data URL (data:text/plain;base64,<content>)"
        raise _refused(key, what + backslashes(path)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise _refused(key, f"names a file that cannot be read ({why})") from None


def _refused(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(key, message)])
