"""Takes the pictures of the README: `python run.py FOLDER [SCENE...]`.

Each is of a real terminal in which a real command runs at a real server.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from running import ServerProcess
from screenshots.scenes import SCENES, here, prepare


def main(out: Path, *names: str) -> None:
    """Write a picture for each scene that is named, or for all."""
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rollbook-pictures-") as folder:
        server = ServerProcess(Path(folder) / "data").start()
        try:
            here(Path(folder), server)
            prepare(server)
            for name, scene in SCENES.items():
                if not names or name in names:
                    path = out / f"{name}.svg"
                    path.write_text(scene(server), encoding="utf-8")
                    print(path)
        finally:
            server.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
