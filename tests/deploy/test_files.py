"""What lies beside the unit: the settings, and the container file, as far as they can be tried."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from rollbook.cli.root import root
from rollbook_server.command import serve
from rollbook_server.config import DEFAULT_DRAIN_SECONDS, SETTINGS
from running import unset_environment

if TYPE_CHECKING:
    from running import Server

ROOT = Path(__file__).parents[2]
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "rollbook.service").read_text(encoding="utf-8")
SAMPLE = ROOT / "deploy" / "rollbook.toml"


def instructions(name: str) -> list[str]:
    """Give what stands behind an instruction, in the last stage or any, on one line each."""
    joined = re.sub(r"\\\n", " ", CONTAINER)
    return re.findall(rf"^{name} +(.*)$", joined, flags=re.MULTILINE)


def environment() -> dict[str, str]:
    (line,) = instructions("ENV")
    return dict(word.split("=", 1) for word in shlex.split(line))


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_sample_of_settings_is_one(tmp_path: Path, *, uncommented: bool) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    if uncommented:
        text = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
        assert len(tomllib.loads(text)) == 5
    path = tmp_path / "rollbook.toml"
    path.write_text(text)
    shown = CliRunner().invoke(serve, ["--config", str(path), "--print-config"])
    assert shown.exit_code == 0, shown.output
    assert tomllib.loads(shown.stdout)["data_dir"] == "/var/lib/rollbook"


def test_who_stops_the_server_waits_longer_than_it_takes() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, flags=re.MULTILINE)
    assert found
    assert int(found[1]) > DEFAULT_DRAIN_SECONDS
    assert f"drain_seconds ({DEFAULT_DRAIN_SECONDS})" in CONTAINER
    assert f"drain_seconds ({DEFAULT_DRAIN_SECONDS} by default)" in UNIT


def test_what_the_image_takes_in_is_there() -> None:
    for line in instructions("COPY"):
        *sources, _ = shlex.split(line)
        for source in (each for each in sources if not line.startswith("--from")):
            assert (ROOT / source).exists(), source


def test_a_build_is_sent_what_the_image_takes_in() -> None:
    kept = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE))
    copied = [line for line in instructions("COPY") if not line.startswith("--from")]
    assert kept == {source for line in copied for source in shlex.split(line)[:-1]}


def test_its_variables_are_settings() -> None:
    known = {setting.variable for setting in SETTINGS}
    known |= {str(option.envvar) for option in root.params if getattr(option, "envvar", None)}
    named = set(re.findall(r"ROLLBOOK_[A-Z_]+", CONTAINER))
    assert {name for name in environment() if name.startswith("ROLLBOOK_")} < named <= known


def test_it_is_no_root_and_writes_to_its_volume_alone() -> None:
    assert instructions("USER") == ["10001:10001"]
    assert instructions("VOLUME") == [environment()["ROLLBOOK_DATA_DIR"]]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_its_server_wants_tls_before_it_listens() -> None:
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert json.loads(entry) + json.loads(command) == ["rollbook", "serve"]
    started = CliRunner().invoke(serve, env=environment())
    assert started.exit_code == 2
    assert "encrypt with --tls-cert FILE --tls-key FILE" in started.output


def test_its_health_check_runs(server: Server) -> None:
    (line,) = instructions("HEALTHCHECK")
    words = json.loads(line.partition("CMD ")[2])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    set_here = {**unset_environment(), "PATH": path, "ROLLBOOK_ADDRESS": server.address}
    done = subprocess.run(words, env=set_here, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "SERVING\n")
    server.stop()
    assert subprocess.run(words, env=set_here, capture_output=True, check=False).returncode
