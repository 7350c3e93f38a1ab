"""Shows encoded values to people, without the tags of their types."""

from typing import Any

from refork.records import Json
from refork.values import PLACEHOLDERS, TAG


def untagged(data: Json) -> Json:
    """Return ``data`` with every tagged object replaced by its value, and a placeholder of a missing value by the
    reason.
    """
    if isinstance(data, list):
        return [untagged(item) for item in data]
    if not isinstance(data, dict):
        return data
    if set(data) != {TAG, "value"}:
        return {key: untagged(item) for key, item in data.items()}
    return _value(data[TAG], data["value"])


def _value(tag: Json, value: Any) -> Json:
    if tag in PLACEHOLDERS and isinstance(value, dict):
        return str(value.get("text") or f"(it {value.get('problem')})")
    if tag == "dict" and isinstance(value, list):
        return {str(untagged(key)): untagged(item) for key, item in value}
    return untagged(value)
