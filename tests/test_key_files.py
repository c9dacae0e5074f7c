"""A file of secrets is replaced where it is kept, wherever that is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from rollbook_server import key_files
from rollbook_server.config import SEALING_KEY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Give a file in a folder of its own."""
    (tmp_path / "secrets").mkdir()
    path = tmp_path / "secrets" / "kept.key"
    path.write_text("old")
    return path


def test_a_link_stays_and_what_it_names_is_replaced(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "relative").symlink_to("secrets/kept.key")
    (tmp_path / "link").symlink_to(tmp_path / "relative")
    key_files.replace(tmp_path / "link", "new")
    assert kept.read_text() == "new"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "link").readlink() == tmp_path / "relative"
    assert list(kept.parent.iterdir()) == [kept]
    assert {each.name for each in tmp_path.iterdir()} == {"secrets", "relative", "link"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work on what is another user's")
def test_what_root_replaces_is_of_its_owner_still(kept: Path) -> None:
    os.chown(kept, 65534, 65533)
    key_files.replace(kept, "new")
    assert (kept.stat().st_uid, kept.stat().st_gid) == (65534, 65533)


@pytest.mark.sqlite_only  # where other servers seal, a rotation is refused
def test_a_new_sealing_key_goes_into_the_file_that_a_link_names(
    serve: Callable[..., Server], server: Server, tmp_path: Path
) -> None:
    link, kept = server.data_dir / SEALING_KEY_NAME, tmp_path / "kept.key"
    with server.admin() as admin:
        profile_id = admin.create_profile("Depot").profile_id
        value = admin.reveal_token(profile_id)
    server.stop()
    link.rename(kept)
    link.symlink_to(kept)
    again = serve()
    with again.admin() as admin:
        admin.rotate_sealing_key()
    again.stop()
    assert link.is_symlink()
    with serve(sealing_key_file=kept).admin() as admin:
        assert admin.reveal_token(profile_id) == value
