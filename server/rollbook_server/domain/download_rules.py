"""Rules of the linter about the device policy controller and what else is downloaded.

Read in ManagedProvisioning (Android 13): ParserUtils, PackageDownloadInfo,
VerifyAdminPackageTask, which looks at one checksum only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollbook_server.domain.checksums import checksum_fault
from rollbook_server.domain.extras import given, is_address, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.domain.extras import Extras, Rule

_COMPONENT = re.compile(r"\w+(\.\w+)+/\.?\w+([.$]\w+)*", re.ASCII)
_LOCATION = "device_admin_package_download_location"
_SIGNATURE, _PACKAGE = "device_admin_signature_checksum", "device_admin_package_checksum"
_COOKIE = "device_admin_package_download_cookie_header"
_MINIMUM_VERSION = "device_admin_minimum_version_code"
_HOLDER = "role_holder_package_download_location"
_HOLDER_SIGNATURE = "role_holder_signature_checksum"
_HOLDER_COOKIE = "role_holder_package_download_cookie_header"


def _component_missing(extras: Extras) -> Iterator[str]:
    if not text_of(extras, "device_admin_component_name"):
        yield (
            "The setup wizard refuses a code without device_admin_component_name; set it to "
            "`package/class` of your device policy controller."
        )


def _component_malformed(extras: Extras) -> Iterator[str]:
    component = text_of(extras, "device_admin_component_name")
    if component and not _COMPONENT.fullmatch(component):
        yield (
            "device_admin_component_name names no receiver, so the setup wizard refuses the "
            "code; write it as `package/class`."
        )


def _download_unchecked(extras: Extras) -> Iterator[str]:
    if text_of(extras, _LOCATION) and not given(extras, (_SIGNATURE, _PACKAGE)):
        yield f"Android does not install a download without a checksum; set {_SIGNATURE} beside it."


def _download_unreachable(extras: Extras) -> Iterator[str]:
    for name in given(extras, (_LOCATION, _HOLDER)):
        if not is_address(text_of(extras, name), "https", "http"):
            yield (
                f"Android's downloads know http and https alone, and {name} is no such address; "
                "write it as https://host/path."
            )


def _cookie_in_the_clear(extras: Extras) -> Iterator[str]:
    for location, cookie in ((_LOCATION, _COOKIE), (_HOLDER, _HOLDER_COOKIE)):
        if text_of(extras, cookie) and is_address(text_of(extras, location), "http"):
            yield f"Android sends {cookie} where everybody can read it; make {location} https."


def _nothing_to_download(extras: Extras) -> Iterator[str]:
    names = (_SIGNATURE, _PACKAGE, _COOKIE, _MINIMUM_VERSION)
    if (idle := given(extras, names)) and not text_of(extras, _LOCATION):
        yield (
            f"Android downloads nothing without {_LOCATION} and ignores {', '.join(idle)}; set "
            "the location, or leave these out if the controller is preinstalled."
        )


def _checksum_malformed(extras: Extras) -> Iterator[str]:
    for name in given(extras, (_SIGNATURE, _PACKAGE, _HOLDER_SIGNATURE)):
        if fault := checksum_fault(text_of(extras, name)):
            yield f"Android refuses the download, because {name} {fault}."


def _two_checksums(extras: Extras) -> Iterator[str]:
    if len(given(extras, (_SIGNATURE, _PACKAGE))) > 1:
        yield (
            f"Android checks {_PACKAGE} alone and ignores {_SIGNATURE}, so the next version of "
            f"the controller will be refused; leave {_PACKAGE} out, unless that is meant."
        )


def _role_holder_incomplete(extras: Extras) -> Iterator[str]:
    found = given(extras, (_HOLDER, _HOLDER_SIGNATURE))
    if len(found) == 1:
        (missing,) = {_HOLDER, _HOLDER_SIGNATURE} - set(found)
        yield f"Android ignores {found[0]} without {missing}; set both or none."


def _role_holder_missing(extras: Extras) -> Iterator[str]:
    idle = given(extras, (_HOLDER_COOKIE, "role_holder_extras_bundle"))
    if idle and not given(extras, (_HOLDER, _HOLDER_SIGNATURE)):
        yield (
            f"Android fetches no role holder for which {' and '.join(idle)} would matter; set "
            f"{_HOLDER} and {_HOLDER_SIGNATURE}, or leave it out."
        )


RULES: tuple[Rule, ...] = (
    _component_missing,
    _component_malformed,
    _download_unchecked,
    _download_unreachable,
    _cookie_in_the_clear,
    _nothing_to_download,
    _checksum_malformed,
    _two_checksums,
    _role_holder_incomplete,
    _role_holder_missing,
)
