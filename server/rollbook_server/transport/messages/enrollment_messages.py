"""What a device is told, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import enrollment_service_pb2
from rollbook_server.transport.messages.configuration_messages import configuration_out
from rollbook_server.transport.messages.enums import wire

if TYPE_CHECKING:
    from rollbook_server.domain.enrollment import Decision


def enrollment(decision: Decision) -> enrollment_service_pb2.EnrollDeviceResponse:
    """Write what a device is told: of a refusal nothing but the outcome."""
    outcome = wire(enrollment_service_pb2.EnrollOutcome, decision.outcome)
    device, owner = decision.device, decision.profile
    if device is None or owner is None:
        return enrollment_service_pb2.EnrollDeviceResponse(
            outcome=outcome, sign_in_available=decision.sign_in_available
        )
    return enrollment_service_pb2.EnrollDeviceResponse(
        outcome=outcome,
        device_id=device.device_id,
        profile_id=device.profile_id,
        attributes=dict(device.attributes),
        configuration=configuration_out(owner.configuration),
    )
