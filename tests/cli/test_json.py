"""docs/json.md tells the truth: every command writes the keys and types that stand there."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli.commands import every_command
from cli.terminal import pipe
from rollbook import DeviceRow
from rollbook_server.demo.sample_csv import LEAST_ROWS
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _pytest.mark.structures import ParameterSet

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
COMMANDS = dict(
    re.findall(r"^\| `([a-z -]+)` \| (.+) \|$", PAGE.split("## Documents")[0], re.MULTILINE)
)
LOOKS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "time": lambda value: value.endswith("Z") and bool(datetime.fromisoformat(value)),
    "bytes": lambda value: base64.b64encode(base64.b64decode(value)).decode() == value,
}
# Tried by a test of their own, at the end.
ELSEWHERE = {
    *("serve", "demo", "database copy", "database upgrade", "watch"),
    *("backup", "restore", "doctor"),
}

# A command for every document; {} are ids. What is written behind # is the document.
RUN = """
profile create Spring                             # Profile with Warnings
profile list                                      # [Profile]
profile show Depot                                # Profile with ShownToken
profile show Open                                 # Profile with ShownToken
profile edit Single --description Hall            # Profile
profile assign-user Depot ada                     # Profile
profile configure Depot                           # Configuration
profile configure Depot --set vendor_keys.a=1     # Profile with Warnings
profile configure Depot --set vendor_keys.a=1 --dry-run # Profile with Warnings
profile configure --keys                          # [AndroidExtra]
profile delete Other --dry-run                    # DeletedProfile
profile delete Other --yes                        # DeletedProfile
upload Depot good.csv                             # Upload with Rejected
upload Depot bad.csv --errors errors.csv          # Upload with Rejected
uploads Depot                                     # [Upload]
discard {upload} --dry-run                        # DiscardedUpload
discard {upload} --yes                            # DiscardedUpload
device add Depot --imei {imei}                    # [Device]
device list Depot                                 # [Device]
device show {device}                              # Device
device edit {device} --attribute Hall=3           # [Device]
device explain --serial S1 --manufacturer Acme    # Explanation
device delete {device} --dry-run                  # DeletedDevices
device delete {device} --yes                      # DeletedDevices
template                                          # Template
template --out template.csv                       # Template
inventory Depot --out inventory.csv               # Inventory
token show Depot                                  # Token
token reveal Depot                                # RevealedToken
token refresh Depot --dry-run                     # Token
token refresh Depot --yes                         # Token
token extend Depot --days 30                      # Token
token revoke Depot --yes                          # Token
token revoke-all --dry-run                        # RevokedTokens
token revoke-all --yes                            # RevokedTokens
qr Depot                                          # QrCode
qr Depot --out depot.png                          # QrCode
qr --sheet sheet.pdf                              # Sheet
enroll --token {token} --imei {registered}        # Enrollment
enroll --token XXXX --imei {registered}           # Enrollment
sign-in --user bob --password-stdin --imei {registered} # Enrollment
user create carol --no-password                   # User
user list                                         # [User]
user edit ada --email ada@example.com             # User
user delete ada --dry-run                         # DeletedUser
user delete ada --yes                             # DeletedUser
key create Import --role viewer                   # CreatedKey
key create Export --right view --out export.key   # CreatedKey
key list                                          # [ApiKey]
key revoke Old --dry-run                          # ApiKey
key revoke Old --yes                              # ApiKey
key rotate-sealing                                # Rotation
audit                                             # [Event]
audit list                                        # [Event]
audit verify                                      # Check
completion bash                                   # Completion
database status                                   # DatabaseStatus
health                                            # Health
serve --print-config                              # Settings
profile show Nowhere                              # Error
"""
LINES = [tuple(map(str.strip, line.split("#"))) for line in RUN.strip().splitlines()]


def shapes() -> dict[str, dict[str, tuple[str, bool]]]:
    """Give the keys of every document with their types, and whether they may be missing."""
    found = {}
    for part in PAGE.split("\n### ")[1:]:
        rows = re.findall(r"^\| `(\w+)`( \*\(if any\)\*)? \| (\S+) \|", part, re.MULTILINE)
        found[part.split("\n")[0]] = {key: (kind, bool(may)) for key, may, kind in rows}
    return found


SHAPES = shapes()


def faults(value: Any, kind: str, path: str) -> Iterator[str]:
    """Tell where a value is not what the page says."""
    if kind.endswith("?"):
        if value is not None:
            yield from faults(value, kind[:-1], path)
    elif kind.startswith("[") and isinstance(value, list):
        for at, each in enumerate(value):
            yield from faults(each, kind[1:-1], f"{path}[{at}]")
    elif kind in LOOKS:
        if not LOOKS[kind](value):
            yield f"{path} is no {kind}: {value!r}"
    elif isinstance(value, dict) and not kind.startswith("["):
        yield from _faults_of_document(value, kind, path)
    else:
        yield f"{path} is no {kind}: {value!r}"


def _faults_of_document(value: Any, kind: str, path: str) -> Iterator[str]:
    keys: dict[str, tuple[str, bool]] = {}
    for part in kind.split(" with "):
        keys |= SHAPES[part]
    for key in {*value} - {*keys}:
        yield f"{path}.{key} is not documented"
    for key, (type_, may_miss) in keys.items():
        if key in value:
            yield from faults(value[key], type_, f"{path}.{key}")
        elif not may_miss:
            yield f"{path}.{key} is missing"


@pytest.fixture
def ids(
    cli: Cli, admin: AdminClient, server: Server, depot: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Fill the server so that every document has something in it; gives what has an id."""
    monkeypatch.setenv("ROLLBOOK_DATABASE", server.config.database)
    admin.upload_rows(depot, [DeviceRow(imei(1), "", "S1", "Acme", {"Hall": "3"})])
    upload = next(admin.list_uploads(depot)).upload_id
    cli("profile", "create", "Other")
    cli("profile", "create", "Open", "--tokenless")
    cli("profile", "create", "Single", "--single-device")
    admin.create_user("ada", display_name="Ada")
    admin.create_user("bob", password="canary of bob 1")
    secret = ("system_extras.wifi_ssid=D", "system_extras.wifi_password=canary-wifi")
    cli("profile", "configure", "Depot", "--set", secret[0], "--set", secret[1])
    cli("key", "create", "Old", "--role", "viewer")
    Path("good.csv").write_text(f"imei\n{imei(7)}\n")
    Path("bad.csv").write_text(f"imei\n{imei(8)}\n12\n")
    pipe(monkeypatch, b"canary of bob 1\n")
    return {
        "upload": upload,
        "device": next(admin.list_devices(depot)).device_id,
        "imei": imei(9),
        "registered": imei(1),
        "token": admin.reveal_token(depot),
    }


def tried(command: str, kind: str) -> ParameterSet:
    """Give a line as pytest takes it; servers that share a database rotate no keys."""
    alone = [pytest.mark.sqlite_only] if command == "key rotate-sealing" else []
    return pytest.param(command, kind, id=command, marks=alone)


@pytest.mark.parametrize(("command", "kind"), [tried(*line) for line in LINES])
def test_a_command_writes_what_the_page_says(
    cli: Cli, ids: dict[str, str], command: str, kind: str
) -> None:
    ended = cli(*command.format(**ids).split(), "--output", "json")
    if kind == "Error":
        assert ended.out == ""
        document = json.loads(ended.err)["error"]
    else:
        assert ended.err == ""
        document = ended.document
    if "--dry-run" in command and not command.startswith("upload"):
        assert document.pop("dry_run") is True
    assert document != []
    assert [*faults(document, kind, kind)] == []


def test_the_page_has_every_command() -> None:
    assert sorted(COMMANDS) == sorted(every_command())


def test_every_document_of_the_page_is_tried() -> None:
    for command, said in COMMANDS.items():
        if command in ELSEWHERE:
            continue
        tried = {kind for run, kind in LINES if run.startswith(command)}
        documents = set(re.findall(r"\[?[A-Z]\w+\]?(?: with \w+)?", said))
        assert tried >= documents, command


def test_every_type_of_the_page_is_described() -> None:
    for name, keys in SHAPES.items():
        for kind, _ in keys.values():
            word = kind.strip("[]?")
            assert word in {*LOOKS, *SHAPES}, (name, kind)


def test_commands_that_run_on_write_what_the_page_says(depot: str, tmp_path: Path) -> None:
    serve = ("serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "other")
    for command, kind in (((*serve,), "Serving"), (("watch", depot), "Counts")):
        document = first_line(*map(str, command))
        assert [*faults(document, kind, kind)] == []


def first_line(*arguments: str) -> Any:
    """Give the first document of a command that runs on, and end it."""
    script = "import sys; from rollbook.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", script, *arguments, "--output", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    return json.loads(line)


@pytest.mark.sqlite_only
def test_the_commands_of_the_server_write_what_the_page_says(alone: Cli, tmp_path: Path) -> None:
    source, target = f"sqlite:///{tmp_path}/demo/data/rollbook.db", f"sqlite:///{tmp_path}/copy.db"
    (tmp_path / "new").mkdir()
    demo, backup = f"--data-dir {tmp_path}/demo/data", tmp_path / "backup.db"
    for command, kind in (
        (f"demo --rows {LEAST_ROWS} --dir {tmp_path}/demo", "Demo"),
        (f"database upgrade --data-dir {tmp_path}/new", "DatabaseUpgrade"),
        (f"database copy --from {source} --to {target}", "DatabaseCopy"),
        (f"doctor {demo}", "Examination"),
        (f"backup {backup} {demo}", "Backup"),
        (f"restore {backup} {demo} --dry-run", "Restoration"),
        (f"restore {backup} {demo} --yes", "Restoration with Restored"),
    ):
        document = alone(*command.split(), "--output", "json").document
        if "--dry-run" in command:
            assert document.pop("dry_run") is True
        assert [*faults(document, kind, kind)] == [], command
