"""What the README tells a new user to type works as it stands there, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs.recipes import sessions
from new_user import SERVE, NewUser, served
from reference import reading
from reference.contract import status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSION, SCRIPT = sessions(README)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def user(tmp_path: Path) -> Iterator[NewUser]:
    """Give a new user, in whose other terminal the server of the README runs."""
    assert f"\n{SERVE}\n" in README
    with served(tmp_path) as user:
        yield user


def test_it_opens_with_the_two_commands() -> None:
    assert blocks("")[0].split("\n") == ["make demo", "make test", ""]


def save_script(user: NewUser) -> None:
    (script,) = blocks("python")
    assert len(script.splitlines()) == 10
    (user.home / "script.py").write_text(script)


def test_the_session_and_then_the_ten_lines_show_what_stands_there(user: NewUser) -> None:
    assert len(blocks("console")[0].splitlines()) <= 20
    for recipe in SESSION:  # each in a shell of its own: none may need what another one set
        ((shown, status),) = user.types_all(recipe.commands)
        assert status == 0, (recipe.commands, shown)
        assert recipe.is_answered_by(shown), f"{recipe.commands}\nshows\n{shown}"
    assert (user.home / "qr.png").read_bytes().startswith(b"\x89PNG")

    save_script(user)
    assert user.types(*(recipe.commands for recipe in SCRIPT)) == SCRIPT[-1].answer


def test_the_ten_lines_need_nothing_of_the_session_but_its_file(user: NewUser) -> None:
    user.types(SESSION[0].commands)
    save_script(user)
    assert user.types(*(recipe.commands for recipe in SCRIPT)) == SCRIPT[-1].answer


def test_each_service_is_there_with_the_codes_that_it_fails_with() -> None:
    contract = reading.read()
    told = dict(re.findall(r"^\| \[(\w+)\]\(docs/api/.* \| ([A-Z_, ]+)[;|]", README, re.MULTILINE))
    assert set(told) == {service.name for service in contract.services}
    for service in contract.services:
        reasons = set().union(*map(contract.reasons_of, service.methods))
        codes = {status_of(contract.reasons[reason]) for reason in reasons}
        assert set(told[service.name].strip().split(", ")) == codes, service.name
