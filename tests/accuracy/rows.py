"""The rows of the accuracy table: which sheets are made for each, from which seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulator.classes import CLASSES, PHOTOGRAPHS, Good, Way

SEEDS_FROM = 5_000_000_000
"""Seeds of the bench start here; the reader was tuned on seeds below 10,000,000 (77xxxx and 2023xxx among
them). Every version of the reader and the simulator has a series of its own, so that whatever was learnt from
the errors of one long run is not in the seeds of the next. Series 0 is that of the small run, always the
same."""

SEEDS_PER_SERIES = 1_000_000_000
SEEDS_PER_ROW = 10_000_000
TEMPLATES = ("appendix-i", "hue-2019")
SHARD_SHEETS = {"appendix-i": 5, "hue-2019": 11}
MARKS_SHARD_SHEETS = 200

PLAIN = (Way((), Good.READ),)
GREY = (Way(("grey",), Good.READ),)
"""Black and white has a row of its own, where no blank is accepted whatever the rest is like."""


@dataclass(frozen=True, slots=True)
class Row:
    """``full`` and ``short``: sheets of each template in the long run and in that of every commit. ``marks``
    is the kind of marks_level.KINDS where the row is of marks alone, else empty."""

    name: str
    title: str
    condition: str
    ways: tuple[Way, ...]
    full: dict[str, int]
    short: dict[str, int]
    number: int = 0  # of the optical class
    marks: str = ""

    def shard_sheets(self, template: str) -> int:
        return MARKS_SHARD_SHEETS if self.marks else SHARD_SHEETS[template]

    def way(self, sheet: int) -> Way:
        return self.ways[sheet % len(self.ways)]


def _mixes() -> Iterator[Row]:
    """Appendix I: 3,750 clean and office sheets of 135 boxes are 500,000 positions; Huế: 5,000 of 15."""
    for name, appendix, hue in (("clean", 1_875, 2_500), ("office", 1_875, 2_500), ("hard", 400, 600)):
        yield Row(
            name, f"{name} mix", name, GREY,
            {"appendix-i": appendix, "hue-2019": hue}, {"appendix-i": 4, "hue-2019": 8},
        )  # fmt: skip


def _classes() -> Iterator[Row]:
    """230 sheets of Appendix I are 31,000 positions in each class; 55 of Huế, 30,000 in all together."""
    for number, each in CLASSES.items():
        ways = len(each.ways)
        yield Row(
            f"class-{number:02d}", f"{number} {each.name}", "office", each.ways,
            {"appendix-i": 230, "hue-2019": 55}, {"appendix-i": min(2, ways), "hue-2019": ways},
            number,
        )  # fmt: skip


def _marks() -> Iterator[Row]:
    """Marks alone: 3 times 24,720 sheets of Appendix I are 10,011,600 positions; marginal marks apart."""
    for kind, title, sheets in (
        ("prescribed", "prescribed marks", 24_720),
        ("sensed", "reliably sensed marks", 24_720),
        ("ignored", "marks among what is reliably ignored", 24_720),
        ("marginal", "marginal marks", 2_000),
    ):
        yield Row(
            f"marks-{kind}", title, "marks", PLAIN, {"appendix-i": sheets}, {"appendix-i": 40}, marks=kind
        )


ROWS: tuple[Row, ...] = (
    *_mixes(),
    Row(
        "bitonal", "bitonal, office mix", "office", (Way(("bitonal",), Good.REVIEW),),
        {"appendix-i": 230, "hue-2019": 400}, {"appendix-i": 2, "hue-2019": 4},
    ),
    Row(
        "photo", "telephone photographs, decent light", "office", PHOTOGRAPHS.ways,
        {"appendix-i": 230, "hue-2019": 400}, {"appendix-i": 2, "hue-2019": 5},
    ),
    *_classes(),
    *_marks(),
)  # fmt: skip


def seed_of(row: Row, template: str, sheet: int, series: int) -> int:
    """Every row and template has seeds of its own in each series."""
    place = ROWS.index(row) * len(TEMPLATES) + TEMPLATES.index(template)
    return SEEDS_FROM + series * SEEDS_PER_SERIES + place * SEEDS_PER_ROW + sheet
