"""Gets a delivery of devices ready: their profile, the roll, and the QR code to print.

    export ROLLBOOK_API_KEY=...   # and ROLLBOOK_ADDRESS, if it is not on this machine
    python examples/admin_script.py 'Spring tablets' devices.csv --qr spring.png

It can be run again with the same file: the profile is found, and devices that are on the
roll already count as unchanged. If rows have to be mended first, nothing goes onto the
roll; they are written to FILE-errors.csv with what is wrong, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rollbook import AdminClient, OnInvalidRow, Profile, RollbookError


def main() -> int:
    """Do it all, or say why not."""
    options = arguments()
    address = os.environ.get("ROLLBOOK_ADDRESS", "127.0.0.1:7443")
    key = os.environ.get("ROLLBOOK_API_KEY") or sys.exit("ROLLBOOK_API_KEY is not set")
    with AdminClient(address, api_key=key) as admin:
        profile = found_or_created(admin, options.profile)
        if not is_flawless(admin, profile, options.file):
            return 1
        upload = admin.upload_devices(
            profile.profile_id, options.file, on_invalid_row=OnInvalidRow.FAIL
        )
        print(f"{upload.created_count} devices are new, {upload.unchanged_count} were there")
        admin.extend_token(profile.profile_id, 30)
        options.qr.touch(mode=0o600)  # it holds the token
        options.qr.write_bytes(admin.generate_qr_code(profile.profile_id).image)
        print(f"{options.qr} enrolls them for 30 days")
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("profile", help="name of the profile, created if there is none")
    parser.add_argument("file", type=Path, help="CSV of the devices")
    parser.add_argument("--qr", type=Path, default=Path("qr.png"), help="where the QR code goes")
    return parser.parse_args()


def found_or_created(admin: AdminClient, name: str) -> Profile:
    """Give the profile of that name; lists page by themselves."""
    for profile in admin.list_profiles(name_contains=name):
        if profile.name == name:
            return profile
    return admin.create_profile(name)


def is_flawless(admin: AdminClient, profile: Profile, file: Path) -> bool:
    """Try the file without changing the roll, and write down what has to be mended."""
    trial = admin.upload_devices(profile.profile_id, file, validate_only=True)
    if not trial.rejected_count:
        return True
    errors = file.with_name(f"{file.stem}-errors.csv")
    with errors.open("w", newline="", encoding="utf-8-sig") as table:
        admin.write_upload_errors(trial.upload_id, table)
    print(f"{trial.rejected_count} of {trial.row_count} rows have to be mended: {errors}")
    return False


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RollbookError as error:
        sys.exit(f"{error} ({error.reason or error.code})")
    except OSError as error:
        sys.exit(str(error))
