"""Originals are kept byte for byte under their hash."""

from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ballotscan.errors import StoreError
from ballotscan.store import originals


def scan(folder: Path, content: bytes = b"a scan" * 1000) -> Path:
    path = folder / "scan.pdf"
    path.write_bytes(content)
    return path


def test_kept_under_its_hash_and_read_only(tmp_path: Path) -> None:
    path = scan(tmp_path)
    sha = originals.keep(tmp_path, path)
    assert sha == hashlib.sha256(path.read_bytes()).hexdigest()
    kept = tmp_path / "originals" / sha[:2] / sha
    assert kept == originals.original_path(tmp_path, sha)
    assert kept.read_bytes() == path.read_bytes()
    if os.name != "nt":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o400


def test_the_same_bytes_again_are_no_error(tmp_path: Path) -> None:
    path = scan(tmp_path)
    assert originals.keep(tmp_path, path) == originals.keep(tmp_path, path)
    assert [item.name for item in (tmp_path / "originals").rglob("*") if item.is_file()] == [
        hashlib.sha256(path.read_bytes()).hexdigest()
    ]


def test_a_kept_file_that_lost_bytes_is_replaced(tmp_path: Path) -> None:
    path = scan(tmp_path)
    kept = originals.original_path(tmp_path, originals.keep(tmp_path, path))
    kept.chmod(0o600)
    kept.write_bytes(b"half")
    originals.keep(tmp_path, path)
    assert kept.read_bytes() == path.read_bytes()


def test_an_empty_file_is_kept_too(tmp_path: Path) -> None:
    sha = originals.keep(tmp_path, scan(tmp_path, b""))
    assert originals.original_path(tmp_path, sha).read_bytes() == b""


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing\.pdf: the original cannot be kept"):
        originals.keep(tmp_path, tmp_path / "nothing.pdf")


def test_a_long_file_is_copied_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "_WHOLE", 1000)
    monkeypatch.setattr(originals, "_PIECE", 300)
    path = scan(tmp_path)
    sha = originals.keep(tmp_path, path)
    assert sha == hashlib.sha256(path.read_bytes()).hexdigest()
    assert originals.original_path(tmp_path, sha).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("whole", [1000, 1 << 24])
def test_a_file_that_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int) -> None:
    monkeypatch.setattr(originals, "_WHOLE", whole)
    path = scan(tmp_path)
    synchronise = os.fsync

    def grow_and_synchronise(handle: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")
        synchronise(handle)

    monkeypatch.setattr(os, "fsync", grow_and_synchronise)
    with pytest.raises(StoreError, match=r"scan\.pdf: the file changed while it was being read"):
        originals.keep(tmp_path, path)
    assert [item for item in (tmp_path / "originals").rglob("*") if item.is_file()] == []


def test_names_are_settled_once_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shas = [originals.put(tmp_path, scan(tmp_path, content)) for content in (b"1", b"2", b"1")]
    settled: list[Path] = []
    monkeypatch.setattr(originals, "sync_folder", settled.append)
    originals.settle(tmp_path, shas)
    folders = sorted({originals.original_path(tmp_path, sha).parent for sha in shas})
    assert settled == [*folders, tmp_path / "originals", tmp_path]


def test_many_threads_keep_the_same_bytes(tmp_path: Path) -> None:
    path = scan(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        shas = set(threads.map(lambda _number: originals.put(tmp_path, path), range(32)))
    assert [item.name for item in (tmp_path / "originals").rglob("*") if item.is_file()] == list(shas)
