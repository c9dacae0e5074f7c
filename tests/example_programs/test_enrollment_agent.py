"""The enrollment agent registers its device once, though it is killed at any of its steps."""

from __future__ import annotations

import json
import signal
import sys
from itertools import count
from typing import TYPE_CHECKING

import pytest

from devices.calls import imei
from example_programs.programs import Program
from rollbook import DeviceRow

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server

DEVICES = 100


@pytest.fixture
def agent(server: Server, tmp_path: Path) -> Program:
    return Program("enrollment_agent.py", server, tmp_path)


@pytest.fixture
def profile(admin: AdminClient) -> str:
    """Give a profile of which every device is waited for."""
    profile = admin.create_profile("Depot")
    rows = [DeviceRow(imei=imei(n), attributes={"site": "North"}) for n in range(DEVICES)]
    admin.create_devices(profile.profile_id, rows)
    return profile.profile_id


def test_killed_at_any_step_and_started_again_it_is_one_registration(
    agent: Program, admin: AdminClient, profile: str, tmp_path: Path
) -> None:
    token = admin.reveal_token(profile)
    for step in count(1):
        state = tmp_path / f"{step}.json"
        arguments = ("--imei", imei(step), "--state", state)
        killer = [sys.executable, "-m", "example_programs.killed_at", str(step)]
        killed = agent.run_command([*killer, *agent.command(*arguments)[1:]], ROLLBOOK_TOKEN=token)
        ended = agent.run(*arguments, ROLLBOOK_TOKEN=token)
        assert (ended.returncode, ended.stderr) == (0, "")
        kept = json.loads(state.read_text())
        assert ended.stdout.startswith(f"REGISTERED {kept['device_id']}")
        assert kept["attributes"] == {"site": "North"}
        if killed.returncode != -signal.SIGKILL:
            assert killed.returncode == 0, killed.stderr
            break
    assert step > 25, "there are more steps than that"
    assert admin.get_profile(profile).registered_count == step
    assert admin.get_token(profile).use_count == step, "each is counted once"


def test_an_answer_that_is_not_registered_is_not_kept(
    agent: Program, admin: AdminClient, profile: str, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    arguments = ("--imei", imei(DEVICES), "--state", state)
    token = admin.reveal_token(profile)
    refused = agent.run(*arguments, ROLLBOOK_TOKEN=token)
    assert (refused.returncode, refused.stdout.split()) == (1, ["NOT_REGISTERED"])
    assert not state.exists()
    admin.create_devices(profile, [DeviceRow(imei=imei(DEVICES))])
    assert agent.run(*arguments, ROLLBOOK_TOKEN=token).returncode == 0


def test_without_a_right_token_it_asks_for_a_sign_in(
    agent: Program, profile: str, tmp_path: Path
) -> None:
    assert profile
    done = agent.run("--imei", imei(1), "--state", tmp_path / "state", ROLLBOOK_TOKEN="wrong")
    assert (done.returncode, done.stdout.split()) == (3, ["SIGN_IN_REQUIRED"])


def test_what_cannot_be_is_a_sentence(agent: Program, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text("")
    done = agent.run("--imei", imei(1), "--state", state)
    assert done.stderr == f"{state} is no state of this agent; remove it to begin anew\n"
    done = agent.run("--imei", imei(1), "--state", tmp_path / "none" / "state.json")
    assert done.stderr.startswith("[Errno 2] No such file or directory")
    done = agent.run("--imei", imei(1), "--state", "new.json", "--address", "http://x")
    assert done.stderr == "'http://x' is no address: write HOST:PORT, without http://\n"
