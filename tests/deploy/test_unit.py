"""deploy/rollbook.service: systemd understands it, and a server runs under what it forbids."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ports import where_nobody_is

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = (DEPLOY / "rollbook.service").read_text(encoding="utf-8")
EXEC = "/opt/rollbook/bin/rollbook"
ANALYZE, MANAGER = shutil.which("systemd-analyze"), Path("/lib/systemd/systemd")
MISSING = "systemd is not installed: apt-get install systemd (Debian, Ubuntu)"
needs_systemd = pytest.mark.skipif(
    not (ANALYZE and MANAGER.exists()) and os.environ.get("CI") != "true", reason=MISSING
)
# Of 10, as systemd counts what a service might do; one that only runs as a user has 9.2.
EXPOSED = 1.5
# Where Python may lie on a developer's machine, and what a user's systemd cannot do.
OPEN = r"^(User|Group|ProtectHome|PrivateTmp|EnvironmentFile)=.*\n"

# A systemd for one user, in name spaces of its own, so that it finds the folders that it wants
# and nothing of it is left. What it is about to do it tells by `systemctl`, which waits.
SCRIPT = """
set -eu
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/systemd/inaccessible/dir /run/user
touch /run/systemd/inaccessible/reg
export HOME=$1 XDG_RUNTIME_DIR=/run/user
/lib/systemd/systemd --user --unit=basic.target --log-target=null & manager=$!
while ! [ -S /run/user/systemd/private ]; do kill -0 $manager; done
systemctl --user start rollbook.service || true
systemctl --user show rollbook.service -p ActiveState,StatusText
systemctl --user stop rollbook.service
systemctl --user show rollbook.service -p Result,ExecMainStatus
kill -KILL $manager
"""


def with_program(unit: str, program: str) -> str:
    assert f"\nExecStart={EXEC} " in unit
    return re.sub(rf"^ExecStart={EXEC}", f"ExecStart={program}", unit, flags=re.MULTILINE)


def analyzed(tmp_path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE, MISSING
    path = tmp_path / "rollbook.service"
    path.write_text(with_program(UNIT, sys.executable))
    return subprocess.run(
        [ANALYZE, *command, path], capture_output=True, text=True, timeout=120, check=False
    )


@needs_systemd
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    done = analyzed(tmp_path, "verify")
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_it_may_do_little(tmp_path: Path) -> None:
    done = analyzed(tmp_path, "security", "--offline=true", "--no-pager")
    found = re.search(r"Overall exposure level for rollbook.service: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= EXPOSED, done.stdout


def user_unit(address: str) -> str:
    """Give the unit for a user's systemd, with this environment's program."""
    program = Path(sys.executable).with_name("rollbook")
    unit = re.sub(OPEN, "", with_program(UNIT, str(program)), flags=re.MULTILINE)
    unit = unit.replace("/etc/rollbook/rollbook.toml", "%h/rollbook.toml")
    # Run once the server has told that it serves; if that fails, so does the start.
    asked = f"ExecStartPost={program} --address {address} health"
    kept = "Environment=ROLLBOOK_DATA_DIR=%S/rollbook"
    said = "StandardOutput=append:%h/log\nStandardError=append:%h/log"
    return unit.replace("[Install]", f"{asked}\n{kept}\n{said}\n[Install]")


def in_name_spaces(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs_systemd
def test_a_server_runs_under_it_tells_that_it_serves_and_stops_well(tmp_path: Path) -> None:
    if not shutil.which("unshare") or in_name_spaces("true").returncode:
        pytest.skip("no name spaces can be made here (unshare --mount --pid, as root)")
    with where_nobody_is() as address:
        check_that_it_runs(tmp_path / "home", address)


def check_that_it_runs(home: Path, address: str) -> None:
    (home / ".config" / "systemd" / "user").mkdir(parents=True)
    (home / ".config" / "systemd" / "user" / "rollbook.service").write_text(user_unit(address))
    (home / "rollbook.toml").write_text(f'listen = "{address}"\n')
    done = in_name_spaces("sh", "-c", SCRIPT, "sh", home)
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert told == {
        "ActiveState": "active",
        "StatusText": f"Listens on {address}",
        "Result": "success",
        "ExecMainStatus": "0",
    }, (home / "log").read_text()
