"""Files every schema may import without a reference: protobuf's own, Google's common types, the registry's tags."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Final

from google.protobuf import descriptor_pool

from bridge.languages.protobuf.elements import File
from bridge.languages.protobuf.from_descriptor import from_descriptor
from bridge.languages.protobuf.parser import parse

_LIBRARY: Final = {
    "google.protobuf": "any api descriptor duration empty field_mask source_context struct timestamp type wrappers",
    "google.type": "calendar_period color date datetime dayofweek decimal expr fraction interval latlng money month "
    "phone_number postal_address quaternion timeofday",
}

# The registry's extensions for tags, docs and rules; field numbers as its clients have them.
META: Final = """syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta {
  string doc = 1;
  map<string, string> params = 2;
  repeated string tags = 3;
  repeated Rule rules = 4;
}
message Rule {
  string name = 1;
  string doc = 2;
  string expr = 3;
  string sql = 4;
}
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
"""
DECIMAL: Final = """syntax = "proto3";
package confluent.type;
message Decimal {
  bytes value = 1;
  uint32 precision = 2;
  int32 scale = 3;
}
"""


@cache
def known_files() -> Mapping[str, File]:
    """The files by the path they are imported under."""
    files = {"confluent/meta.proto": parse(META), "confluent/type/decimal.proto": parse(DECIMAL)}
    pool = descriptor_pool.Default()
    for package, names in _LIBRARY.items():
        folder = package.replace(".", "/")
        for name in names.split():
            importlib.import_module(f"{package}.{name}_pb2")
            path = f"{folder}/{name}.proto"
            files[path] = from_descriptor(pool.FindFileByName(path))
    return files
