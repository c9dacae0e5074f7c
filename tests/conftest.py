"""Fixtures for every room: a real server, an administrator, a device agent."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from canaries import CANARIES
from databases import CHOSEN, DATABASES, POSTGRESQL, SQLITE, Databases
from rollbook_server.config import Config
from running import Server, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from rollbook import AdminClient, EnrollmentAgent


# Time decides nothing here: a busy machine is no failure. In CI the same examples come
# every time; new ones are looked for at a developer's desk.
settings.register_profile(
    "rollbook",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("rollbook")


@pytest.fixture(scope="session", autouse=True)
def databases() -> Iterator[Databases]:
    """Give the databases of this run, and end them with it."""
    yield DATABASES
    DATABASES.close()


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """Let servers have a database of an engine: the test's, or else the one that was chosen."""
    databases.engine = getattr(request, "param", CHOSEN)
    if databases.engine != SQLITE and request.node.get_closest_marker("sqlite_only"):
        pytest.skip("this is about SQLite's file itself")
    yield databases.engine
    databases.engine = CHOSEN
    if "tmp_path" in request.node.funcargs:
        databases.forget(request.node.funcargs["tmp_path"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run on both engines, whatever was chosen, what says that it is for both."""
    if any(mark.name == "both_engines" for mark in metafunc.definition.iter_markers()):
        metafunc.parametrize("engine", [SQLITE, POSTGRESQL], indirect=True)


@pytest.fixture(scope="session")
def beginnings() -> dict[str, Path]:
    """Keep what `begun` makes, by engine."""
    return {}


@pytest.fixture
def begun(
    engine: str, beginnings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give what a first start leaves, to be copied: keys, and a database with nothing in it.

    To make them anew takes longer than most of what is then tested.
    """
    if engine not in beginnings:
        beginnings[engine] = tmp_path_factory.mktemp("begun") / "data"
        Server(Config(data_dir=beginnings[engine], listen="127.0.0.1:0")).stop()
    return beginnings[engine]


@pytest.fixture(scope="session", autouse=True)
def watched() -> Iterator[None]:
    """Look at everything that servers in this process say."""
    with ExitStack() as patches:
        CANARIES.watch(patches)
        yield


@pytest.fixture(autouse=True)
def no_secret_is_told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail where a token, password, API key or IMEI got into a log or an error."""
    CANARIES.begin()
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None:
        CANARIES.look_into(folder)
    told, CANARIES.leaks[:] = [*CANARIES.leaks], []
    assert told == []


@pytest.fixture
def serve(tmp_path: Path, begun: Path) -> Iterator[Callable[..., Server]]:
    """Give a way to start servers with settings of one's own; all are stopped again."""
    started: list[Server] = []

    def start(**settings: Any) -> Server:
        settings = {"data_dir": tmp_path / "data", "listen": "127.0.0.1:0", **settings}
        if not settings["data_dir"].exists():
            DATABASES.copy(begun, settings["data_dir"])
        started.append(Server(Config(**settings)))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """Give a server with default settings."""
    return serve()


@pytest.fixture
def admin(server: Server) -> Iterator[AdminClient]:
    with server.admin() as admin:
        yield admin


@pytest.fixture
def agent(server: Server) -> Iterator[EnrollmentAgent]:
    with server.agent() as agent:
        yield agent


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServerProcess]:
    """Give a server process that is running, and is ended whatever happens."""
    process = ServerProcess(tmp_path / "data").start()
    yield process
    process.kill()
