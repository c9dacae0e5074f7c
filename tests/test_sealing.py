"""Sealed values open for their own token only, and the key file is guarded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server import sealing_file
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.key_files import KeyFileError
from rollbook_server.sealing import Sealer

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "7K3MQ9XT2AV4D0BHZ8WNC61REJP5YG"
LOOKUP_KEY = b"l" * 32
OLD, NEW = (b"\0\0\0\1", b"o" * 32), (b"\0\0\0\2", b"n" * 32)


def sealer(*keys: tuple[bytes, bytes]) -> Sealer:
    return Sealer(LOOKUP_KEY, dict(keys))


def seal(by: Sealer) -> bytes:
    return by.seal(VALUE, token_id="tok-1", profile_id="prf-1")


def unseal(by: Sealer, sealed: bytes) -> str:
    return by.unseal(sealed, token_id="tok-1", profile_id="prf-1")


def load_or_create(path: Path, *, must_exist: bool = False) -> Sealer:
    return sealing_file.load_or_create(path, must_exist=must_exist).sealer()


def key_file(path: Path, **changes: object) -> Path:
    def text(key: bytes) -> str:
        return base64.b64encode(key).decode()

    keys = [{"key_id": key_id.hex(), "key": text(key)} for key_id, key in (OLD, NEW)]
    document = {"format": 1, "lookup_key": text(LOOKUP_KEY), "sealing_keys": keys}
    path.write_text(json.dumps(document | changes))
    path.chmod(0o600)
    return path


@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_what_is_sealed_comes_back(value: str, token_id: str, profile_id: str) -> None:
    ours = sealer(OLD)
    sealed = ours.seal(value, token_id=token_id, profile_id=profile_id)

    assert ours.unseal(sealed, token_id=token_id, profile_id=profile_id) == value


def test_the_value_cannot_be_seen_and_no_two_seals_are_equal() -> None:
    sealed = {seal(sealer(OLD)) for _ in range(100)}

    assert len(sealed) == 100
    assert not any(VALUE.encode()[:6] in one for one in sealed)


def test_a_sealed_value_tells_its_format_and_key() -> None:
    sealed = seal(sealer(NEW))

    assert sealed[0] == 1
    assert sealed[1:5] == NEW[0]
    assert len(sealed) == 1 + 4 + 12 + len(VALUE) + 16


@pytest.mark.parametrize(
    ("token_id", "profile_id"),
    [("tok-2", "prf-1"), ("tok-1", "prf-2"), ("prf-1", "tok-1"), ("tok-1prf-1", "")],
)
def test_a_value_moved_to_another_row_does_not_open(token_id: str, profile_id: str) -> None:
    with pytest.raises(RollbookError) as caught:
        sealer(OLD).unseal(seal(sealer(OLD)), token_id=token_id, profile_id=profile_id)

    assert caught.value.reason is Reason.TOKEN_UNREADABLE
    assert "moved here from another one" in caught.value.message


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_two_pairs_of_ids_are_mistaken_for_each_other(a: str, b: str, c: str, d: str) -> None:
    sealed = sealer(OLD).seal(VALUE, token_id=a, profile_id=b)

    if (a, b) == (c, d):
        assert sealer(OLD).unseal(sealed, token_id=c, profile_id=d) == VALUE
    else:
        with pytest.raises(RollbookError):
            sealer(OLD).unseal(sealed, token_id=c, profile_id=d)


def test_the_newest_key_seals_and_every_key_unseals() -> None:
    before = seal(sealer(OLD))
    rotated = sealer(OLD, NEW)

    assert seal(rotated)[1:5] == NEW[0]
    assert unseal(rotated, before) == unseal(rotated, seal(rotated)) == VALUE


def test_a_key_that_is_gone_is_named() -> None:
    with pytest.raises(RollbookError) as caught:
        unseal(sealer(NEW), seal(sealer(OLD)))

    assert caught.value.reason is Reason.TOKEN_UNREADABLE
    assert "00000001" in caught.value.message
    assert "refresh the token" in caught.value.message
    assert caught.value.metadata == {"key_id": "00000001"}


def test_another_key_under_the_same_id_does_not_open() -> None:
    with pytest.raises(RollbookError, match="damaged"):
        unseal(sealer((OLD[0], b"x" * 32)), seal(sealer(OLD)))


def test_the_key_id_cannot_be_exchanged() -> None:
    twins = sealer(OLD, (NEW[0], OLD[1]))
    sealed = seal(sealer(OLD))

    with pytest.raises(RollbookError, match="damaged"):
        unseal(twins, sealed[:1] + NEW[0] + sealed[5:])


def test_any_changed_or_missing_byte_is_noticed() -> None:
    ours, sealed = sealer(OLD), seal(sealer(OLD))
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        for damaged in (changed, sealed[:place]):
            with pytest.raises(RollbookError) as caught:
                unseal(ours, damaged)
            assert caught.value.reason is Reason.TOKEN_UNREADABLE


def test_errors_hold_neither_value_nor_key() -> None:
    with pytest.raises(RollbookError) as caught:
        sealer(OLD).unseal(seal(sealer(OLD)), token_id="tok-2", profile_id="prf-1")

    assert VALUE not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "oooo" not in repr(sealer(OLD))


def test_the_digest_is_hmac_sha_256_under_the_lookup_key() -> None:
    expected = hmac.new(LOOKUP_KEY, VALUE.encode(), hashlib.sha256).digest()

    assert sealer(OLD).digest(VALUE) == expected


def test_the_digest_outlives_a_new_sealing_key_but_not_a_new_lookup_key() -> None:
    assert sealer(OLD).digest(VALUE) == sealer(OLD, NEW).digest(VALUE)
    assert sealer(OLD).digest(VALUE) != Sealer(b"m" * 32, dict([OLD])).digest(VALUE)


def test_threads_share_a_sealer() -> None:
    ours = sealer(OLD, NEW)

    with ThreadPoolExecutor(4) as pool:
        opened = pool.map(lambda _: unseal(ours, seal(ours)), range(2_000))
        assert set(opened) == {VALUE}


def test_the_first_start_makes_a_key_file_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    made = load_or_create(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    again = load_or_create(path, must_exist=True)
    assert again.digest(VALUE) == made.digest(VALUE)
    assert unseal(again, seal(made)) == VALUE


def test_two_key_files_have_nothing_in_common(tmp_path: Path) -> None:
    first, second = (load_or_create(tmp_path / name) for name in ("a.key", "b.key"))

    assert first.digest(VALUE) != second.digest(VALUE)
    assert seal(first)[1:5] != seal(second)[1:5]


def test_servers_that_start_at_once_end_up_with_one_key_file(tmp_path: Path) -> None:
    for round_ in range(20):
        path = tmp_path / f"{round_}.key"
        with ThreadPoolExecutor(8) as pool:
            digests = set(pool.map(lambda _, p=path: load_or_create(p).digest(VALUE), range(8)))
        assert len(digests) == 1
    assert len(list(tmp_path.iterdir())) == 20


def test_a_power_failure_while_it_is_written_leaves_no_key_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeyFileError, match="Cannot create the key file"):
        load_or_create(tmp_path / "sealing.key")

    assert list(tmp_path.iterdir()) == []


def test_the_last_key_of_the_file_seals_and_all_unseal(tmp_path: Path) -> None:
    loaded = load_or_create(key_file(tmp_path / "sealing.key"))

    assert seal(loaded)[1:5] == NEW[0]
    assert unseal(loaded, seal(sealer(OLD))) == VALUE
    assert loaded.digest(VALUE) == sealer(OLD).digest(VALUE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path / "sealing.key")
    path.chmod(mode)

    with pytest.raises(KeyFileError, match=f"chmod 600 {path}"):
        load_or_create(path)


def test_a_key_file_that_is_read_only_for_its_owner_is_fine(tmp_path: Path) -> None:
    path = key_file(tmp_path / "sealing.key")
    path.chmod(0o400)

    assert unseal(load_or_create(path), seal(sealer(NEW))) == VALUE


def test_a_missing_file_is_refused_once_there_are_tokens(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="backup") as caught:
        load_or_create(tmp_path / "sealing.key", must_exist=True)

    assert "ROLLBOOK_SEALING_KEY_FILE" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file or directory"):
        load_or_create(tmp_path / "nowhere" / "sealing.key")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 9_999, b"3"])
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sealing.key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(KeyFileError, match="Put it back from its backup"):
        load_or_create(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"lookup_key": None},
        {"lookup_key": "c2hvcnQ="},
        {"lookup_key": "?" * 44},
        {"sealing_keys": []},
        {"sealing_keys": {}},
        {"sealing_keys": ["text"]},
        {"sealing_keys": [{"key_id": "00000001"}]},
        {"sealing_keys": [{"key_id": "01", "key": base64.b64encode(b"k" * 32).decode()}]},
        {"sealing_keys": [{"key_id": "00000001", "key": base64.b64encode(b"k" * 16).decode()}]},
        {"sealing_keys": [{"key_id": "00000001", "key": base64.b64encode(b"k" * 32).decode()}] * 2},
    ],
)
def test_a_file_with_a_wrong_part_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = key_file(tmp_path / "sealing.key", **changes)

    with pytest.raises(KeyFileError, match="damaged or of a later version"):
        load_or_create(path)
