"""What is a batch of spooled records on the wire? OTLP logs in protobuf, equal in content to the hooks' JSON.

Pure. Which attributes a record may have is checked before, by the hooks' own list; which batch is sent when, and what
an answer means, is for `spool_sender`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

_UNSIGNED = 1 << 64


def any_value(value: Any) -> AnyValue:  # noqa: ANN401 - any JSON value of a record
    """Encode one value; whole numbers stay whole."""
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[any_value(each) for each in value]))


def key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """Encode attributes, in their order."""
    return [KeyValue(key=name, value=any_value(value)) for name, value in attributes.items()]
