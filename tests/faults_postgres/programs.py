"""The programs of a cluster, as Debian packs them."""

from __future__ import annotations

import shutil
import socket
from contextlib import ExitStack
from pathlib import Path

import postgres_server

PATRONI, ETCD = "patroni", "etcd"
PACKAGES = {PATRONI: "patroni", ETCD: "etcd-server"}
# Patroni runs all of these, from one folder.
_OF_POSTGRESQL = ("initdb", "postgres", "pg_ctl", "pg_rewind", "pg_basebackup", "pg_controldata")


def find(name: str) -> Path | None:
    """Give a program; Debian keeps some where only root looks."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return Path(found) if found else None


def postgres_folder() -> Path | None:
    """Give the folder with the programs of the newest PostgreSQL, if it has all of them."""
    found = postgres_server.binary("initdb")
    folder = found.resolve().parent if found else None
    whole = folder and all((folder / name).exists() for name in _OF_POSTGRESQL)
    return folder if whole else None


def missing(*names: str) -> str:
    """Tell what is not here and how to get it; empty if all is."""
    packages = [PACKAGES[name] for name in names if find(name) is None]
    if postgres_folder() is None:
        packages.append("postgresql")
    if not packages:
        return ""
    wanted = " ".join(packages)
    return f"not on this machine: {wanted} (Debian, Ubuntu: apt-get install {wanted})"


def free_ports(count: int) -> list[int]:
    """Give ports that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in sockets]
