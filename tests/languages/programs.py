"""The small programs of the clients in other languages: how each is built and run."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from running import unset_environment

ROOT = Path(__file__).parents[2]
JAVA = ROOT / "clients" / "java" / "target"
SECONDS = 120


@dataclass(frozen=True)
class Language:
    """What a client needs on PATH, the target of make that builds it, and its program."""

    name: str
    tools: tuple[str, ...]
    program: tuple[str, ...]

    def build(self, told: Path) -> None:
        """Build it, unless another worker of this run did, which leaves a note in `told`."""
        with (told / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            built = told / f"{self.name}.built"
            if not built.exists():
                self._make()
                built.touch()

    def _make(self) -> None:
        self.require()
        command = ["make", f"{self.name}-client"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def require(self) -> None:
        """Skip where the language's own tools are not there."""
        missing = [tool for tool in self.tools if shutil.which(tool) is None]
        if missing:
            pytest.skip(
                f"the {self.name} client is NEITHER BUILT NOR TRIED: "
                f"{' and '.join(missing)} not on PATH"
            )


LANGUAGES = (
    Language("go", ("go",), (str(ROOT / "clients" / "go" / "build" / "enroll"),)),
    Language(
        "typescript",
        ("node", "npm"),
        ("node", str(ROOT / "clients" / "typescript" / "dist" / "examples" / "enroll.js")),
    ),
    Language(
        "java",
        ("java", "javac", "mvn"),
        ("java", "-cp", f"{JAVA / 'classes'}:{JAVA / 'lib' / '*'}", "rollbook.examples.Enroll"),
    ),
)


@dataclass(frozen=True)
class Program:
    """Runs the program of a language as somebody at a terminal would."""

    language: Language

    def run(
        self, *words: object, address: str, api_key: str = "", ca: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = unset_environment() | {
            "ROLLBOOK_ADDRESS": address,
            "ROLLBOOK_API_KEY": api_key,
            "ROLLBOOK_CA": os.fspath(ca) if ca else "",
        }
        return subprocess.run(
            [*self.language.program, *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
