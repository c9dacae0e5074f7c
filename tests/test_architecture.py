"""The rooms stay apart: transport -> domain <- storage, and the client knows no server."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SOURCES = {
    "rollbook": ROOT / "clients" / "python" / "rollbook",
    "rollbook_server": ROOT / "server" / "rollbook_server",
}
GRPC = {"grpc", "google.protobuf"}
STATUS = {"google.rpc", "grpc_status"}

# What each room may import beside the standard library and itself; the most
# specific room decides. Rooms that wire may know every room of their package.
ALLOWED = {
    "rollbook": {"rollbook.v1", *GRPC, *STATUS},
    "rollbook.v1": GRPC,
    "rollbook.cli": {"rollbook", "click", "rich"},
    # An extra: nobody else may need it.
    "rollbook.cli.sheets": {"rollbook.cli", "fpdf"},
    "rollbook.cli.sheet_fonts": {"fontTools"},
    "rollbook_server": {"rollbook_server"},
    "rollbook_server.domain": set(),
    "rollbook_server.storage": {"rollbook_server.domain", "peewee", "playhouse"},
    # An extra: nobody else may need it.
    "rollbook_server.storage.postgres": {
        "rollbook_server.domain",
        "rollbook_server.storage",
        "peewee",
        "playhouse",
        "psycopg",
    },
    "rollbook_server.transport": {
        "rollbook_server.domain",
        "rollbook.v1",
        "grpc_reflection",
        *GRPC,
        *STATUS,
    },
    "rollbook_server.tls_files": {"rollbook_server.config", "cryptography"},
    "rollbook_server.tls": {
        "rollbook_server.config",
        "rollbook_server.domain",
        "rollbook_server.tls_files",
        "grpc",
    },
    "rollbook_server.qr": {"rollbook_server.domain", "segno"},
    "rollbook_server.key_files": set(),
    "rollbook_server.logs": {"rollbook_server.domain"},
    # What looks at a server from outside: libraries for that are its own alone.
    "rollbook_server.observing": {
        "rollbook_server.config",
        "rollbook_server.domain",
        "rollbook_server.logs",
        "rollbook_server.storage",
        "rollbook_server.tls",
        "rollbook_server.transport",
        "grpc",
        "google.protobuf",
        "prometheus_client",
    },
    # An extra: nobody else may need it.
    "rollbook_server.observing.traces": {
        "rollbook_server.domain",
        "rollbook_server.observing",
        "rollbook_server.transport",
        "grpc",
        "opentelemetry",
    },
    "rollbook_server.observing.traced_store": {
        "rollbook_server.domain",
        "rollbook_server.transport",
        "opentelemetry",
    },
    "rollbook_server.observing.options": {"rollbook_server.logs", "click"},
    "rollbook_server.admin_key": {"rollbook_server.key_files"},
    "rollbook_server.sealing": {"rollbook_server.domain", "cryptography"},
    "rollbook_server.sealing_file": {"rollbook_server.key_files", "rollbook_server.sealing"},
    "rollbook_server.sealing_evidence": {"rollbook_server.domain", "rollbook_server.sealing"},
    "rollbook_server.rotations": set(),
    "rollbook_server.sealing_keys": {
        "rollbook_server.domain",
        "rollbook_server.key_files",
        "rollbook_server.rotations",
        "rollbook_server.sealing_evidence",
        "rollbook_server.sealing_file",
    },
    "rollbook_server.token_epoch": {"rollbook_server.domain", "rollbook_server.key_files"},
    "rollbook_server.settings": set(),
    "rollbook_server.settings.options": {"rollbook_server.settings", "rollbook.cli", "click"},
    "rollbook_server.ending": set(),
    "rollbook_server.notify": set(),
    "rollbook_server.patience": set(),
    "rollbook_server.pulse": {"rollbook_server.domain", "rollbook_server.patience"},
    "rollbook_server.passwords": {"rollbook_server.domain", "argon2"},
    "rollbook_server.health": {"rollbook_server.pulse", "grpc", "grpc_health"},
    "rollbook_server.listening": {
        "rollbook_server.config",
        "rollbook_server.domain",
        "rollbook_server.tls",
        "rollbook_server.tls_files",
        "grpc",
    },
    "rollbook_server.stand_in": {"rollbook_server", "grpc"},
    "rollbook_server.app": {"rollbook_server", "rollbook.v1", "grpc"},
    "rollbook_server.command": {"rollbook_server", "rollbook.cli", "rollbook.data_dir", "click"},
    "rollbook_server.database": {
        "rollbook_server",
        "rollbook.cli",
        "rollbook.data_dir",
        "click",
        "rich",
    },
    "rollbook_server.backup": {
        "rollbook_server",
        "rollbook.cli",
        "rollbook.data_dir",
        "click",
        "rich",
    },
    "rollbook_server.doctor": {
        "rollbook_server",
        "rollbook.cli",
        "rollbook.data_dir",
        "click",
        "rich",
        "cryptography",
        "grpc",
        "grpc_health",
    },
    "rollbook_server.demo": {"rollbook_server", "rollbook", "click", "rich"},
    # The sample is of the domain's words alone.
    "rollbook_server.demo.sample_csv": {"rollbook_server.domain"},
}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def modules() -> Iterator[tuple[str, Path]]:
    for folder in SOURCES.values():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    return max((room for room in ALLOWED if within(module, room)), key=len)


def trespasses(module: str, path: Path) -> list[str]:
    room = room_of(module)
    allowed = {room, *ALLOWED[room]}
    return [
        name
        for name in imports(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(within(name, each) for each in allowed)
    ]


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=str)
def test_a_module_imports_only_what_its_room_may_know(module: str, path: Path) -> None:
    assert trespasses(module, path) == []


def test_a_room_that_reaches_into_another_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "intruder.py"
    path.write_text("import peewee\nfrom rollbook_server.storage import tables\nimport json\n")
    assert trespasses("rollbook_server.domain.intruder", path) == [
        "peewee",
        "rollbook_server.storage.tables",
    ]


def test_the_client_does_not_know_its_own_command() -> None:
    folder = SOURCES["rollbook"]
    for path in (*folder.glob("*.py"), *(folder / "aio").glob("*.py")):
        assert not [name for name in imports(path) if within(name, "rollbook.cli")]
