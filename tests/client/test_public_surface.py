"""What users may import, pinned: a change here is a change for them."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys

import rollbook
from rollbook import (
    AdminClient,
    AsyncAdminClient,
    AsyncEnrollmentAgent,
    EnrollmentAgent,
    errors,
    resources,
    words,
)

NAMES = """
AbortedError AdminClient AlreadyExistsError ApiKey AsyncAdminClient AsyncEnrollmentAgent
AuditBreak AuditCheck AuditEvent AuditFault ColumnMapping Configuration CreatedApiKey
DeadlineExceededError Device DeviceRow DeviceState DeviceUpdate DiscardedUpload
EnrollOutcome EnrolledUser Enrollment EnrollmentAgent FailedPreconditionError
InvalidArgumentError MatchExplanation MatchRule NearMiss NotFoundError OnConflict
OnInvalidRow OutOfRangeError PermissionDeniedError Profile ProfileOrder ProfileOrigin
ProfileType QrCode QrCodeFormat ResourceExhaustedError Right Role RollbookError RowError
SealingKeyRotation ServerError SourceChangedError Token TokenState UnauthenticatedError
UnavailableError UnimplementedError Upload UploadIncompleteError UploadProgress
UploadState User
"""

METHODS = """
assign_user close create_api_key create_devices create_profile create_user
delete_devices delete_profile delete_user discard_upload explain_match export_devices
extend_token generate_qr_code get_device get_own_api_key get_profile
get_profile_with_token get_token get_upload get_upload_template
list_api_keys list_audit_events list_devices
list_profiles list_upload_errors list_uploads list_users recompute_audit_log
refresh_token reveal_token revoke_all_tokens revoke_api_key revoke_token
rotate_sealing_key update_configuration update_devices update_profile update_user
upload_devices upload_rows verify_audit_log write_inventory write_upload_errors
"""


CLIENTS = (AdminClient, EnrollmentAgent, AsyncAdminClient, AsyncEnrollmentAgent)


def public(thing: object) -> list[str]:
    return sorted(name for name in dir(thing) if not name.startswith("_"))


def classes_of(module: object) -> set[str]:
    return {
        name
        for name, thing in inspect.getmembers(module, inspect.isclass)
        if thing.__module__.startswith(getattr(module, "__name__", ""))
    }


def test_the_names_are_these() -> None:
    assert rollbook.__all__ == NAMES.split()
    assert all(hasattr(rollbook, name) for name in rollbook.__all__)


def test_a_module_can_be_reached_and_a_slip_is_an_attribute_error() -> None:
    script = (
        "import rollbook; rollbook.errors.NotFoundError; rollbook.AdminClient;"
        "assert {'AdminClient', 'errors'} <= {*dir(rollbook)}; rollbook.AdminKlient"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert b"AttributeError: module 'rollbook' has no attribute 'AdminKlient'" in done.stderr


def test_help_shows_the_clients() -> None:
    text = pydoc.plain(pydoc.render_doc(rollbook))
    assert "class AdminClient(" in text
    assert "class EnrollmentAgent(" in text


def test_every_value_word_and_error_is_public() -> None:
    of_modules = classes_of(errors) | classes_of(resources) | classes_of(words)
    assert of_modules | {client.__name__ for client in CLIENTS} == set(rollbook.__all__)


def test_the_methods_are_these() -> None:
    assert public(AdminClient) == public(AsyncAdminClient) == METHODS.split()
    agents = ["close", "enroll_device", "sign_in_device"]
    assert public(EnrollmentAgent) == public(AsyncEnrollmentAgent) == agents


def test_every_error_is_a_rollbook_error_in_the_tree() -> None:
    for name in classes_of(errors):
        assert issubclass(getattr(errors, name), errors.RollbookError)
        assert name in (errors.__doc__ or "")


def test_every_public_method_is_documented() -> None:
    for client in (AdminClient, EnrollmentAgent):
        for name in public(client):
            assert inspect.getdoc(getattr(client, name))
