"""Natural order and printable names."""

from __future__ import annotations

import random
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.errors import UsageError
from ballotscan.intake.files import count_skipped, list_files
from ballotscan.intake.names import natural_key, shown_path

IN_ORDER = [
    "1.jpg",
    "scan1.jpg",
    "scan2.jpg",
    "Scan3.jpg",
    "scan10.jpg",
    "scan10a.jpg",
    "scan10b2.jpg",
    "scan10b10.jpg",
    "scan0100.jpg",
    "trang 1.jpg",
]


def test_natural_order() -> None:
    shuffled = random.Random(7).sample(IN_ORDER, len(IN_ORDER))
    assert sorted(shuffled, key=lambda name: natural_key([name])) == IN_ORDER


def test_folders_are_in_natural_order_too() -> None:
    paths = ["box 2/scan1.jpg", "box 2/scan10.jpg", "box 10/scan1.jpg"]
    shuffled = random.Random(3).sample(paths, 3)
    assert sorted(shuffled, key=lambda path: natural_key(path.split("/"))) == paths


@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=6))
def test_any_two_names_can_be_put_in_order_and_none_are_equal(names: list[str]) -> None:
    keys = [natural_key([name]) for name in names]
    sorted(keys)
    assert len(set(keys)) == len(set(names))


@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=12), min_size=2, max_size=5
    )
)
def test_shown_names_are_printable_and_never_alike(names: list[str]) -> None:
    shown = {shown_path(PurePosixPath("folder", name)) for name in names if name not in (".", "..")}
    assert len(shown) == len({name for name in names if name not in (".", "..")})
    assert all("\n" not in text and text.encode("utf-8") for text in shown)


def test_one_stack_of_folders_and_files_named_in_any_order(tmp_path: Path) -> None:
    for name in ("scan10.jpg", "scan2.jpg", "scan1.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "scan3.jpg").write_bytes(b"x")
    as_a_shell_gives_them = [
        tmp_path / "box",
        tmp_path / "scan1.jpg",
        tmp_path / "scan10.jpg",
        tmp_path / "scan2.jpg",
    ]
    expected = ["scan3.jpg", "scan1.jpg", "scan2.jpg", "scan10.jpg"]
    assert [file.shown for file in list_files(as_a_shell_gives_them)] == expected
    assert [file.shown for file in list_files([tmp_path])] == ["box/scan3.jpg", *expected[1:]]


def test_a_file_named_twice_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert len(list_files([tmp_path / "a.jpg", tmp_path, tmp_path / "a.jpg"])) == 1


def test_clutter_that_is_named_itself_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".a.jpg").write_bytes(b"x")
    assert [file.shown for file in list_files([tmp_path / ".a.jpg"])] == [".a.jpg"]
    assert count_skipped([tmp_path / ".a.jpg"]) == 0


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        list_files([tmp_path / "nothing"])
