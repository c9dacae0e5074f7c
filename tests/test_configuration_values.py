"""Values of a configuration that no JSON can say are refused, not read as something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from raw_calls import unary
from rollbook import InvalidArgumentError
from rollbook.v1 import profile_service_pb2 as messages

if TYPE_CHECKING:
    from rollbook import AdminClient

NULL = Value(null_value=NULL_VALUE)
NOTHING = Value()
WITHOUT_KIND = {
    "alone": NOTHING,
    "in a list": Value(list_value=ListValue(values=[NULL, NOTHING])),
    "in an object": Value(struct_value=Struct(fields={"a": NULL, "b": NOTHING})),
}


def create(admin: AdminClient, group: str, value: Value) -> Any:
    request = messages.CreateProfileRequest(name="Depot")
    getattr(request.configuration, group).fields["com.example.a"].CopyFrom(value)
    return unary(admin, admin._profiles.CreateProfile, request)


@pytest.mark.parametrize("group", ["vendor_keys", "custom_system_keys"])
@pytest.mark.parametrize("value", WITHOUT_KIND.values(), ids=WITHOUT_KIND)
def test_a_value_of_no_kind_is_refused_with_its_key(
    admin: AdminClient, group: str, value: Value
) -> None:
    with pytest.raises(InvalidArgumentError, match="a value of no kind") as caught:
        create(admin, group, value)
    assert list(caught.value.fields) == [f"configuration.{group}.com.example.a"]


def test_null_is_a_value(admin: AdminClient) -> None:
    made = create(admin, "vendor_keys", Value(list_value=ListValue(values=[NULL]))).profile
    kept = made.configuration.vendor_keys.fields["com.example.a"].list_value.values
    assert [value.WhichOneof("kind") for value in kept] == ["null_value"]
