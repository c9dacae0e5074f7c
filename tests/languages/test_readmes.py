"""What the READMEs of the clients in other languages show can be compiled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from languages.programs import JAVA as BUILT
from languages.programs import LANGUAGES, ROOT

GO, TYPESCRIPT, JAVA = LANGUAGES
CLIENTS = ROOT / "clients"

pytestmark = pytest.mark.timeout(900)

GO_AROUND = """package readme

import (
	"context"
	"errors"
	"fmt"
	"os"

	"rollbook.example/rollbook"
	rollbookv1 "rollbook.example/rollbook/v1"
)

func Example(ctx context.Context, key, profileID string) error {
%s
	return nil
}
"""

TYPESCRIPT_AROUND = """const apiKey = process.env.ROLLBOOK_API_KEY!;
%s"""

JAVA_AROUND = """import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import rollbook.*;
import rollbook.v1.*;

class Example {
  static void run(String key) throws Exception {
    %s
  }
}
"""


def shown(folder: str, kind: str) -> str:
    text = (CLIENTS / folder / "README.md").read_text()
    (block,) = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    return str(block)


def compiles(*command: object, folder: Path) -> None:
    words = [os.fspath(word) if isinstance(word, Path) else str(word) for word in command]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_go(tmp_path: Path) -> None:
    GO.require()
    shutil.copytree(CLIENTS / "go", tmp_path / "go")
    example = tmp_path / "go" / "readme" / "readme.go"
    example.parent.mkdir()
    example.write_text(GO_AROUND % shown("go", "go"))
    compiles("go", "vet", "./readme", folder=tmp_path / "go")


def test_typescript(tmp_path: Path, told: Path) -> None:
    TYPESCRIPT.build(told)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "rollbook").symlink_to(CLIENTS / "typescript")
    (tmp_path / "example.ts").write_text(TYPESCRIPT_AROUND % shown("typescript", "ts"))
    tools = CLIENTS / "typescript" / "node_modules"
    options = ("--noEmit", "--strict", "--module", "nodenext", "--target", "es2022")
    types = ("--types", "node", "--typeRoots", tools / "@types")
    compiles(tools / ".bin" / "tsc", *options, *types, "example.ts", folder=tmp_path)


def test_java(tmp_path: Path, told: Path) -> None:
    JAVA.build(told)
    (tmp_path / "Example.java").write_text(JAVA_AROUND % shown("java", "java"))
    path = f"{BUILT / 'classes'}:{BUILT / 'lib' / '*'}"
    compiles("javac", "-proc:none", "-cp", path, "Example.java", folder=tmp_path)
