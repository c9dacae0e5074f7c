"""Tries the oldest and the newest of what Rollbook allows: `versions.py FOLDER PYTHON`.

FOLDER keeps the environments; PYTHON, that of the development environment, serves. Floors
are read from pyproject.toml, so what it promises is what is tried. In each environment the
tests of the client run, and the examples against a real server; the floor of the server
runs tests of its own. A Python that is not on this machine is not tried, and that is said
loudly.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
NOTICE = "!" * 78
# Of Python 3: the oldest that is supported, the newest that was out when this was written.
MINORS = range(11, 16)
TOOLS = ("pytest>=9,<10", "pytest-timeout>=2.4")
CLIENT_TESTS = (
    *("--confcutdir=tests/client", "tests/client"),
    # These need the server, and mypy.
    *("--ignore=tests/client/test_help.py", "--ignore=tests/client/test_typed_usage.py"),
)
SERVER_TESTS = ("tests/test_enrollment.py", "tests/uploads/test_files.py")
MOST_SECONDS = 600  # no command comes near it
ORDER = """
CREATE TABLE orders (number INTEGER, released INTEGER);
CREATE TABLE devices (number INTEGER, imei TEXT, serial TEXT, maker TEXT, site TEXT);
INSERT INTO orders VALUES ({number}, 1);
INSERT INTO devices VALUES ({number}, '', '{serial}', 'Acme', 'North');
"""
MAKE_PROFILE = """
import os
from rollbook import AdminClient
with AdminClient(os.environ["ROLLBOOK_ADDRESS"], api_key=os.environ["ROLLBOOK_API_KEY"]) as admin:
    profile = admin.create_profile("{name}").profile_id
    print(profile, admin.reveal_token(profile))
"""


@dataclass(frozen=True)
class Environment:
    """A Python and what is installed for it; `extra` is one of Rollbook's."""

    name: str
    python: str
    requirements: tuple[str, ...]
    extra: str = ""

    @property
    def tests(self) -> tuple[str, ...]:
        """What of the suite runs."""
        return SERVER_TESTS if self.extra else CLIENT_TESTS


@dataclass(frozen=True)
class Server:
    """Where a server is, and its key."""

    address: str
    api_key: str


def main(folder: Path, python: str) -> int:
    """Try the environments side by side, for they mostly wait; gives the exit code."""
    wheel = built(folder, python)
    tried = list(environments())
    with serving(python) as server, ThreadPoolExecutor(4) as pool:
        good = list(pool.map(lambda each: is_good(each, folder, wheel, server), tried))
    untried = [minor for minor in MINORS if not found(minor)]
    if untried:
        names = ", ".join(f"3.{minor}" for minor in untried)
        print(f"{NOTICE}\nNOT tried, for it is not on this machine: Python {names}\n{NOTICE}")
    return 0 if all(good) else 1


def environments() -> Iterator[Environment]:
    """Give the floors on the oldest Python, and the newest packages on every one."""
    oldest, *newer = [python for minor in MINORS if (python := found(minor))]
    hypothesis = ("hypothesis>=6.170",)
    yield Environment("client-floor", oldest, floors())
    for python in newer or [oldest]:
        yield Environment(f"client-newest-{Path(python).name}", python, ())
    # The tests look for secrets in what the server traces, too.
    lowest = floors("cli", "server", "postgres", "traces")
    yield Environment("server-floor", oldest, (*lowest, *hypothesis), "postgres,traces")


def floors(*extras: str) -> tuple[str, ...]:
    """Give each dependency in the oldest version that is allowed; the last word counts."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = [project["optional-dependencies"][extra] for extra in extras]
    oldest = dict[str, str]()
    for requirement in (*project["dependencies"], *(each for extra in optional for each in extra)):
        floor = re.match(r"([\w-]+(?:\[\w+\])?)>=([\d.]+)", requirement)
        if floor is not None:
            oldest[floor[1]] = f"{floor[1]}=={floor[2]}"
    return tuple(oldest.values())


def found(minor: int) -> str:
    """Give a Python of that version: of pyenv, this one's own, or on the path; or nothing."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    name = f"python3.{minor}"
    own = Path(sys.base_prefix) / "bin" / name
    on_path = shutil.which(name) or ""
    candidates = [*pyenv.glob(f"3.{minor}.*/bin/{name}"), own, Path(on_path)]
    # What pyenv puts on the path is there for versions that are not chosen, too.
    return next(
        (str(each) for each in candidates if each.is_file() and "shims" not in str(each)), ""
    )


def built(folder: Path, python: str) -> Path:
    """Give the wheel of this checkout."""
    wheels = folder / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    pip = [python, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", str(wheels), str(ROOT)], check=True)
    (wheel,) = wheels.glob("*.whl")
    return wheel


@contextmanager
def serving(python: str) -> Iterator[Server]:
    """Give a server of the development environment, on a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--listen", "127.0.0.1:0", "--data-dir", folder, "--output", "json"]
        with subprocess.Popen(
            [python, "-m", "rollbook_server", *options], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            address = json.loads(process.stdout.readline())["address"]
            try:
                yield Server(address, (Path(folder) / "admin.key").read_text().strip())
            finally:
                process.terminate()


def is_good(environment: Environment, folder: Path, wheel: Path, server: Server) -> bool:
    """Install, run, and say what came of it."""
    home = folder / environment.name
    try:
        python = installed(environment, home, wheel)
        told = ran(python, "-m", "pytest", "-c", "pyproject.toml", "-q", *environment.tests)
        if not environment.extra:
            run_examples(python, server, environment.name)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{environment.name} FAILED: {error}", error.stdout, sep="\n", flush=True)
        return False
    print(f"{environment.name}: {versions(python)}: {told.splitlines()[-1]}", flush=True)
    return True


def installed(environment: Environment, home: Path, wheel: Path) -> str:
    """Give the Python of an environment that has what is wanted, and Rollbook as it is now."""
    python = str(home / "bin" / "python")
    if not Path(python).exists():
        ran(environment.python, "-m", "venv", str(home))
    extra = f"[{environment.extra}]" if environment.extra else ""
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    newest = (*pip, "--upgrade", "--upgrade-strategy", "eager")
    ran(*newest, f"rollbook{extra} @ {wheel.as_uri()}", *environment.requirements, *TOOLS)
    # Its version is that of the last time, and pip would keep it as it was.
    ran(*pip, "--force-reinstall", "--no-deps", str(wheel))
    return python


def run_examples(python: str, server: Server, name: str) -> None:
    """Have a file uploaded, an order carried over, and its device enrolled."""
    key = {"ROLLBOOK_ADDRESS": server.address, "ROLLBOOK_API_KEY": server.api_key}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "devices.csv").write_text(f"Serial,Manufacturer\nfile of {name},Acme\n")
        with closing(sqlite3.connect(Path(folder) / "orders.db")) as database:
            database.executescript(ORDER.format(number=zlib.crc32(name.encode()), serial=name))
        made = ran(python, "-c", MAKE_PROFILE.format(name=f"orders of {name}"), **key)
        profile_id, token = made.split()
        example(python, "admin_script.py", name, "devices.csv", cwd=folder, **key)
        example(python, "order_service.py", "orders.db", profile_id, cwd=folder, **key)
        device = ("--serial-number", name, "--manufacturer", "Acme", "--state", "state.json")
        example(python, "enrollment_agent.py", *device, cwd=folder, **key, ROLLBOOK_TOKEN=token)


def example(python: str, name: str, *arguments: str, cwd: str, **environment: str) -> None:
    """Run one of the examples."""
    ran(python, str(ROOT / "examples" / name), *arguments, cwd=cwd, **environment)


def versions(python: str) -> str:
    """Give what of each was installed."""
    code = (
        "import sys, importlib.metadata as m; print('Python ' + sys.version.split()[0], "
        "*(f'{n} {m.version(n)}' for n in ('grpcio', 'protobuf')), sep=', ')"
    )
    return ran(python, "-c", code).strip()


def ran(*command: str, cwd: str | Path = ROOT, **environment: str) -> str:
    """Give what a command says; raises CalledProcessError if it fails."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=MOST_SECONDS,
    ).stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), str(Path(sys.argv[2]).absolute())))
