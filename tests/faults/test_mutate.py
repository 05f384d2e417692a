"""One byte wrong anywhere in the record is found. The long form: ``python -m tests.faults.mutate``."""

from __future__ import annotations

from pathlib import Path

from tests.faults.mutate import closed_office, contents, found, mutate

FLIPS = 200
SEED = 20230314


def test_every_flip_that_changes_the_record_is_found(tmp_path: Path) -> None:
    office = closed_office(tmp_path)
    whole, head = contents(office.database), office.head()
    results = list(mutate(office, FLIPS, SEED))
    assert [flip for flip, differs, seen in results if differs and not seen] == []
    assert sum(differs for _flip, differs, _seen in results) > FLIPS / 4  # the flips do hit the record
    assert contents(office.database) == whole
    assert not found(office, head)
