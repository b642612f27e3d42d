"""Every transform by its Java class name: the one table. Predicates: ``predicates.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen

from bridge.transforms import (
    cast,
    drop_headers,
    extract_field,
    filter_,
    flatten,
    header_from,
    hoist_field,
    insert_field,
    insert_header,
    mask_field,
    regex_router,
    replace_field,
    set_schema_metadata,
    timestamp_converter,
    timestamp_router,
    value_to_key,
)
from bridge.transforms.spec import Settings, Spec
from bridge.transforms.step import Side, Transform


@frozen
class Entry:
    """What a class name stands for."""

    spec: Spec
    make: Callable[[Settings, Side], Transform]
    side: Side = Side.VALUE


def _sided(name: str, spec: Spec, make: Callable[[Settings, Side], Transform]) -> dict[str, Entry]:
    return {f"{name}$Key": Entry(spec, make, Side.KEY), f"{name}$Value": Entry(spec, make, Side.VALUE)}


_APACHE: Final = "org.apache.kafka.connect.transforms."
_SIDED: Final = (
    replace_field, cast, insert_field, timestamp_converter, extract_field, flatten, header_from, hoist_field,
    mask_field, set_schema_metadata,
)  # fmt: skip
_WHOLE: Final = (value_to_key, regex_router, filter_, drop_headers, insert_header, timestamp_router)

TRANSFORMS: Final[dict[str, Entry]] = {
    **{
        k: v
        for module in _SIDED
        for k, v in _sided(_APACHE + module.SPEC.name, module.SPEC, module.make).items()
    },
    **{_APACHE + module.SPEC.name: Entry(module.SPEC, module.make) for module in _WHOLE},
}
"""Java class → what it is."""
