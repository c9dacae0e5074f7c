"""`help` teaches: all that is public is described, and the examples do what they show."""

from __future__ import annotations

import asyncio
import doctest
import inspect
import pydoc
from typing import TYPE_CHECKING, Any

import pytest

import rollbook
from rollbook import aio, errors, resources, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from rollbook import AdminClient
    from running import Server

MODULES: tuple[ModuleType, ...] = (rollbook, aio, errors, resources, words)


def described() -> Iterator[tuple[str, object]]:
    """Give all that is public, by the name that `help` takes."""
    for module in MODULES:
        yield module.__name__, module
    for name in rollbook.__all__:
        kind = getattr(rollbook, name)
        yield name, kind
        for method, function in inspect.getmembers(kind, inspect.isfunction):
            if not method.startswith("_"):
                yield f"{name}.{method}", function


DESCRIBED = dict(described())
# The methods of AsyncAdminClient have the descriptions of those of AdminClient.
WITH_EXAMPLES = [
    name
    for name, thing in DESCRIBED.items()
    if ">>>" in (inspect.getdoc(thing) or "") and not name.startswith("AsyncAdminClient.")
]


@pytest.mark.parametrize("name", DESCRIBED)
def test_all_that_is_public_is_described(name: str) -> None:
    assert len(inspect.getdoc(DESCRIBED[name]) or "") > len("Give it."), name
    assert vars(DESCRIBED[name])["__doc__"] if inspect.isclass(DESCRIBED[name]) else True
    shown = pydoc.plain(pydoc.render_doc(DESCRIBED[name]))
    assert name.rpartition(".")[2] in shown


def test_there_are_examples_where_people_begin() -> None:
    beginnings = {"rollbook", "rollbook.aio", "rollbook.errors", "AdminClient", "EnrollmentAgent"}
    assert beginnings <= {*WITH_EXAMPLES}
    assert {"AsyncAdminClient", "AdminClient.upload_devices"} <= {*WITH_EXAMPLES}


@pytest.fixture
def stage(
    server: Server, admin: AdminClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Give the names that examples take for granted, and the files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devices.csv").write_text("IMEI,site\n490154203237518,South\n")
    (tmp_path / "bad.csv").write_text("IMEI\n12345\n")
    profile_id = admin.create_profile("Depot").profile_id
    row = rollbook.DeviceRow(imei="356938035643809", attributes={"site": "North"})
    admin.create_devices(profile_id, [row])
    names = {name: getattr(rollbook, name) for name in rollbook.__all__}
    return {
        **names,
        "address": server.address,
        "admin": admin,
        "asyncio": asyncio,
        "key": server.api_key,
        "profile_id": profile_id,
        "token": admin.reveal_token(profile_id),
    }


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_do_what_they_show(name: str, stage: dict[str, Any]) -> None:
    text = inspect.getdoc(DESCRIBED[name]) or ""
    example = doctest.DocTestParser().get_doctest(text, stage, name, None, None)
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=told.append)
    assert (result.failed, result.attempted > 0) == (0, True), "".join(told)


def test_help_of_an_iterator_says_what_each_client_gives() -> None:
    shown = pydoc.plain(pydoc.render_doc(rollbook.AdminClient.list_devices))
    assert "-> 'Iterator[Device]'" in shown
    shown = pydoc.plain(pydoc.render_doc(rollbook.AsyncAdminClient.list_devices))
    assert "-> 'AsyncIterator[Device]'" in shown
