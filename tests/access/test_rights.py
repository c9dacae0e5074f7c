"""What every key may call: each method of the contract with each role, each right, and none."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from methods import MALFORMED, methods
from rollbook import AdminClient, DeviceRow, OnConflict, PermissionDeniedError, Right, Role
from rollbook_server.domain.errors import RollbookError as RefusedError
from rollbook_server.domain.rights import EVERY_RIGHT, NEEDED
from rollbook_server.health import SERVICES
from rollbook_server.transport.admission import OPEN_SERVICES, RIGHTLESS_SERVICES, Admission

if TYPE_CHECKING:
    from collections.abc import Callable

    from methods import Caller, Method
    from rollbook import UploadProgress
    from running import Server

ALL: set[Right] = {right for right in Right if right is not Right.UNSPECIFIED}
KINDS: dict[str, tuple[dict[str, Any], set[Right]]] = {
    "administrator": ({"role": Role.ADMINISTRATOR}, ALL),
    "operator": ({"role": Role.OPERATOR}, ALL - {Right.MANAGE_ACCESS}),
    "viewer": ({"role": Role.VIEWER}, {Right.VIEW}),
    "a set": ({"rights": [Right.DELETE, Right.CREATE]}, {Right.CREATE, Right.DELETE}),
    **{f"{right.lower()} alone": ({"rights": [right]}, {right}) for right in sorted(ALL)},
}
OPEN = [method for method in methods(*SERVICES) if method.service in OPEN_SERVICES]
CLOSED = [method for method in methods(*SERVICES) if method not in OPEN]
ANY_KEY = methods(*(name for name in RIGHTLESS_SERVICES if ".v1alpha." in name))


def needed(method: Method) -> tuple[Right, ...]:
    """The rights that the comment of the method names, any of which will do; none: any key."""
    if "Callers: administrators with any API key" in method.comment():
        return ()
    rights = r"([A-Z_]+[A-Z])(?: or ([A-Z_]+[A-Z]))?"
    found = re.search(rf"Callers: administrators with the right {rights}", method.comment())
    assert found, method
    return tuple(Right(name) for name in found.groups() if name)


def opens(rights: set[Right], method: Method) -> bool:
    """Tell whether a key with these rights is let in."""
    return not needed(method) or not rights.isdisjoint(needed(method))


def may(caller: Caller, method: Method, key: str | None) -> str:
    """Tell why a call is refused; one that is let in is refused for its bytes alone."""
    told = caller.error(method, MALFORMED, key=key and f"Bearer {key}")
    if told.reason == "RIGHT_MISSING":
        assert (told.code, told.metadata["right"]) == ("PERMISSION_DENIED", needed(method)[0])
        assert f"needs the right {' or '.join(needed(method))}, which" in told.message
    return told.reason


def test_every_method_is_in_the_table_with_the_rights_of_its_comment() -> None:
    told = {f"{method.service.rpartition('.')[2]}/{method.name}": method for method in CLOSED}
    rules = {name: (rule,) if isinstance(rule, str) else rule for name, rule in NEEDED.items()}
    assert {name: needed(method) for name, method in told.items()} == {
        name: tuple(map(Right, rule)) for name, rule in rules.items()
    }


def test_a_method_that_nobody_thought_of_is_for_few() -> None:
    held = frozenset(EVERY_RIGHT - {"MANAGE_ACCESS"})
    keys: Any = SimpleNamespace(check=lambda _: SimpleNamespace(api_key_id="key-1", rights=held))
    metadata = (("authorization", "Bearer x"),)
    told: list[Any] = []
    method = "/rollbook.v1.NewService/New"
    admission = Admission(method, metadata, keys, lambda *it: told.append(it))
    with pytest.raises(RefusedError, match="needs the right MANAGE_ACCESS") as caught:
        admission.caller("ipv4:192.0.2.1:1")
    admission.tell(caught.value, "ipv4:192.0.2.1:1")
    ((asked, caller, reason),) = told
    assert (asked, reason) == (method, "RIGHT_MISSING")
    assert (caller.api_key_id, caller.source) == ("key-1", "192.0.2.1")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_opens_what_its_rights_open_and_nothing_else(
    caller: Caller, admin: AdminClient, kind: str
) -> None:
    wanted, rights = KINDS[kind]
    made = admin.create_api_key(kind, **wanted)
    assert set(made.api_key.rights) == rights

    found = {method.path: may(caller, method, made.value) for method in CLOSED}
    opened = {True: "REQUEST_MALFORMED", False: "RIGHT_MISSING"}
    assert found == {method.path: opened[opens(rights, method)] for method in CLOSED}
    assert {may(caller, method, made.value) for method in (*OPEN, *ANY_KEY)} == {
        "REQUEST_MALFORMED"
    }


@pytest.mark.parametrize("kind", ["missing", "invalid", "expired", "revoked"])
def test_a_key_that_is_none_opens_nothing(
    caller: Caller, admin: AdminClient, server: Server, kind: str
) -> None:
    end = server.clock().replace(year=2027)
    made = admin.create_api_key("Key", role=Role.ADMINISTRATOR, expire_time=end)
    if kind == "expired":
        server.clock.now = end
    if kind == "revoked":
        admin.revoke_api_key(made.api_key.api_key_id)
    key = {"missing": None, "invalid": f"{made.value}x"}.get(kind, made.value)

    reason = f"API_KEY_{kind.upper()}"
    assert {may(caller, method, key) for method in (*CLOSED, *ANY_KEY)} == {reason}
    assert {may(caller, method, key) for method in OPEN} == {"REQUEST_MALFORMED"}
    error = caller.error(CLOSED[0], b"", key=key and f"Bearer {key}")
    assert error.code == "UNAUTHENTICATED"


def test_whoever_lacks_the_right_learns_nothing_of_the_request(
    caller: Caller, admin: AdminClient
) -> None:
    """Neither that it is empty, nor that what it names is not there."""
    key = f"Bearer {admin.create_api_key('Viewer', role=Role.VIEWER).value}"
    for method in CLOSED:
        if not opens({Right.VIEW}, method):
            for requests in ((), (b"",), (b"\x0a\x05prf-0",), (MALFORMED, b"")):
                error = caller.error(method, *requests, key=key)
                assert (error.code, error.reason) == ("PERMISSION_DENIED", "RIGHT_MISSING")


def test_who_may_upload_can_follow_uploads_and_see_no_more(
    admin: AdminClient, holder: Callable[..., AdminClient]
) -> None:
    """An upload that is followed by such a key leaves no refusal in the audit log."""
    profile_id, importer = admin.create_profile("Depot").profile_id, holder(Right.CREATE)
    seen: list[UploadProgress] = []
    rows = [DeviceRow(imei="35693803564380")]
    done = importer.upload_rows(profile_id, rows, upload_id="u1", progress=seen.append)
    assert importer.upload_rows(profile_id, rows, upload_id="u1", progress=seen.append) == done
    assert importer.get_upload("u1") == admin.get_upload("u1")
    assert all(progress.committed_is_known for progress in seen)
    assert [event.reason for event in admin.list_audit_events() if event.reason != "DONE"] == []
    with pytest.raises(PermissionDeniedError, match="needs the right VIEW, which"):
        list(importer.list_uploads(profile_id))


def test_any_key_is_told_what_it_may_do(
    admin: AdminClient, holder: Callable[..., AdminClient]
) -> None:
    assert holder(Right.DELETE).get_own_api_key().rights == (Right.DELETE,)
    assert [event.reason for event in admin.list_audit_events() if event.reason != "DONE"] == []


@pytest.mark.parametrize("policy", [OnConflict.UPDATE, OnConflict.MOVE])
def test_an_upload_that_changes_devices_needs_the_right_to(
    admin: AdminClient, holder: Callable[..., AdminClient], policy: OnConflict
) -> None:
    profile = admin.create_profile("Depot")
    rows = [DeviceRow(imei="35693803564380")]
    with pytest.raises(PermissionDeniedError) as caught:
        holder(Right.CREATE).upload_rows(profile.profile_id, rows, on_conflict=policy)
    assert (caught.value.reason, caught.value.metadata["right"]) == ("RIGHT_MISSING", "UPDATE")
    assert list(admin.list_uploads(profile.profile_id)) == []

    both = holder(Right.CREATE, Right.UPDATE)
    assert both.upload_rows(profile.profile_id, rows, on_conflict=policy).created_count == 1
    kept = holder(Right.CREATE).upload_rows(profile.profile_id, rows, on_conflict=OnConflict.KEEP)
    assert kept.unchanged_count == 1


def test_a_new_profile_is_given_to_a_user_by_who_may_do_that(
    admin: AdminClient, holder: Callable[..., AdminClient]
) -> None:
    user = admin.create_user("ada")
    creator = holder(Right.CREATE)
    assert creator.create_profile("Depot").user_id == ""
    for user_id in (user.user_id, "usr-0"):  # nor does it learn which users there are
        with pytest.raises(PermissionDeniedError) as caught:
            creator.create_profile("Other", user_id=user_id)
        assert caught.value.metadata["right"] == "ASSIGN_USER"
    both = holder(Right.CREATE, Right.ASSIGN_USER, Right.VIEW)
    assert both.create_profile("Other", user_id=user.user_id).user_name == "ada"


def test_nobody_gives_rights_that_they_do_not_have(
    admin: AdminClient, holder: Callable[..., AdminClient]
) -> None:
    keeper = holder(Right.MANAGE_ACCESS, Right.VIEW)
    for wanted in ({"role": Role.OPERATOR}, {"rights": [Right.VIEW, Right.DELETE]}):
        with pytest.raises(PermissionDeniedError) as caught:
            keeper.create_api_key("More", **wanted)
        assert caught.value.reason == "RIGHT_MISSING"
    assert [key.display_name for key in admin.list_api_keys()] == ["admin.key", "Holder"]
    assert keeper.create_api_key("Less", role=Role.VIEWER).api_key.role is Role.VIEWER
