"""What a device is told, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import enrollment_service_pb2
from rollbook_server.transport.messages.configuration_messages import configuration_out
from rollbook_server.transport.messages.enums import wire

if TYPE_CHECKING:
    from rollbook_server.domain.enrollment import Decision
    from rollbook_server.domain.users import User


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
        user=_enrolled_user(decision.user),
        configuration=configuration_out(owner.configuration),
    )


def sign_in(decision: Decision) -> enrollment_service_pb2.SignInDeviceResponse:
    """Write what a device and its user are told: of a refusal nothing but the outcome."""
    outcome = wire(enrollment_service_pb2.EnrollOutcome, decision.outcome)
    device, owner = decision.device, decision.profile
    if device is None or owner is None:
        return enrollment_service_pb2.SignInDeviceResponse(outcome=outcome)
    return enrollment_service_pb2.SignInDeviceResponse(
        outcome=outcome,
        device_id=device.device_id,
        profile_id=device.profile_id,
        attributes=dict(device.attributes),
        user=_enrolled_user(decision.user),
        configuration=configuration_out(owner.configuration),
    )


def _enrolled_user(user: User | None) -> enrollment_service_pb2.EnrolledUser | None:
    """Write the user; None stays absent. The name to sign in with is not the device's business."""
    if user is None:
        return None
    return enrollment_service_pb2.EnrolledUser(
        user_id=user.user_id, display_name=user.display_name, email=user.email
    )
