"""Update masks: which fields of a resource a change is about (AIP-134)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain.errors import FieldsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.field_mask_pb2 import FieldMask
    from google.protobuf.message import Message


def masked(mask: FieldMask, resource: Message, allowed: Sequence[str]) -> list[str]:
    """Give the names of the fields to be written, in the order of `allowed`.

    An empty mask means each field that is set, `*` all of them. Raises FieldsError
    for a path that is not allowed.
    """
    unknown = [path for path in mask.paths if path != "*" and path not in allowed]
    if unknown:
        can = ", ".join(allowed)
        raise FieldsError({"update_mask": f"names {unknown[0]!r}; what can change is {can}"})
    if not mask.paths:
        return [name for name in allowed if getattr(resource, name)]
    return [name for name in allowed if "*" in mask.paths or name in mask.paths]
