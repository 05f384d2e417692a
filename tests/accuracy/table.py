"""The table for people: ``ballotscan/docs/accuracy.md``, written from the committed results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.accuracy.bars import all_bars, get, row_state
from tests.accuracy.plot import reliability_svg
from tests.accuracy.rows import ROWS, SEEDS_FROM, TEMPLATES
from tests.accuracy.tally import BINS, Tally, bin_name, from_json, total

PLOT = "reliability.svg"

HEAD = """# How often the reader is wrong

Written by `python -m tests.accuracy.bench`; do not edit by hand. Reader and simulator: `{code}`.

All figures but those of real marks are of **simulated pages** and bound the program, not an office: only an
office's own sheets, keyed twice by hand, bound the office.

## In short

| what | must hold | found | |
|---|---|---|---|
"""

WORDS = """## What the columns say

- **Level**: *page* is a whole page made, scanned, and read as the program reads files; *mark* is strokes of
  one hand laid on printed and scanned pages whose place is known, in large numbers, from measuring to the
  answer. A mark-level sheet shares its print and scanner with 39 others and its hand's strokes with three.
- **Sheets**: "10 of 1,875" is a row of which the long run has made 10 sheets so far.
- **Position**: a box. **Silent error**: an answer accepted without a person that is not what was meant. The
  bound is of the share of positions, 95 %, one side (Clopper and Pearson), as if positions were independent;
  they hang together by sheet, so the number of sheets stands beside.
- **Asked**: ordinary answers (one plain cross, tick, slash or fill, or blank) sent to a person, on sides that
  were read. In classes where a person may be asked this may be high. **Sheets asked**: those with any answer
  for a person, ordinary or not.
- **Refused**: sides that were not read; the sheet is set aside with its reason. Mirrored and too coarse pages
  must be.
- **Not told**: sheets whose ink or pages are not in the image, and pages that are no ballot, that nothing
  told.
- Seeds: {seeds} and up, another series for every version of the reader and the simulator. The reader was
  tuned on seeds below 10,000,000.
"""

COLUMNS = (
    "| what | level | sheets | positions | inked | silent | bound 95 % | asked | sheets asked "
    "| refused | not told | bar |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _line(title: str, tally: Tally, *, level: str = "page", planned: int = 0, bar: str = "") -> str:
    cells = (
        title,
        level,
        f"{tally.sheets:,} of {planned:,}" if planned > tally.sheets else f"{tally.sheets:,}",
        f"{tally.positions:,}",
        _share(tally.inked, tally.positions) if tally.answers else "-",
        f"**{tally.silent}**" if tally.silent else "0" if tally.answers else "-",
        f"{tally.upper_95:.1e}" if tally.answers else "-",
        _share(tally.ordinary_review, tally.ordinary),
        _share(tally.sheets_review, tally.sheets) if tally.answers else "-",
        f"{tally.sides_refused} of {tally.sides}" if level == "page" else "-",
        f"{tally.not_flagged} of {tally.to_flag}" if tally.to_flag else "-",
        bar,
    )
    return "| " + " | ".join(cells) + " |"


def _template(template: str, found: dict[str, Any]) -> Iterator[str]:
    yield f"## {template}"
    yield ""
    yield COLUMNS
    classes = []
    for row in ROWS:
        if template not in row.full:
            continue
        tally = get(found, row.name, template)
        classes += [tally] if row.number else []
        level = "mark" if row.marks else "page"
        state = row_state(row, template, tally)
        yield _line(row.title, tally, level=level, planned=row.full[template], bar=state)
    yield _line("all 37 classes together", total(classes))
    yield ""


def reliability(tallies: Iterable[Tally]) -> Iterator[str]:
    """Of answers given a confidence, how many are right: accepted ones, and proposals put to a person."""
    summed = total(tallies).confidence
    yield "| confidence | accepted | right | asked | proposal right |"
    yield "|---|--:|--:|--:|--:|"
    for low, high in pairwise(BINS):
        cells = []
        for what in ("accepted", "asked"):
            count, right = summed.get(bin_name(what, low), (0, 0))
            cells += [f"{count:,}", f"{100 * right / count:.2f} %"] if count else ["0", "-"]
        yield f"| {low:g} to {high:g} | " + " | ".join(cells) + " |"


def _silent(found: dict[str, Any]) -> Iterator[str]:
    """Every silent error, by name."""
    for row in ROWS:
        for template, values in found.get(row.name, {}).items():
            for case in values["silent_cases"]:
                meant, read = "|".join(case["meant"]) or "blank", "|".join(case["read"]) or "blank"
                where = f"{row.title}, {template}, seed {case['sheet']}, {case['question']}"
                how = f"{case['kind']} {case['shape']}, {case['pen']}"
                yield f"- {where}: meant {meant}, read {read} ({how})"


def _real(rows: dict[str, Any]) -> Iterator[str]:
    yield "## Real marks"
    yield ""
    yield "Pages filled in by real people, from published sets. The pictures are other people's and not in"
    yield "this repository; where the sets are there, the bench draws every wrong and every doubtful answer"
    yield "of them to `work/accuracy/real/`."
    yield ""
    yield COLUMNS
    tallies = {name: from_json(values["real"]) for name, values in rows.items()}
    for name, tally in tallies.items():
        yield _line(name, tally)
    yield _line("together", total(tallies.values()))
    yield ""


def _summary(found: dict[str, Any], real: dict[str, Any]) -> Iterator[str]:
    for bar in all_bars(found, real):
        yield f"| {bar.what} | {bar.bar} | {bar.found} | {bar.state} |"
    yield ""


def write_table(results: dict[str, Any], path: Path) -> None:
    """All sections there are, as Markdown, and the reliability plot beside it."""
    full = results.get("full", {"rows": {}})
    found, real = full["rows"], results.get("real", {"rows": {}})["rows"]
    small = results.get("short", {"rows": {}})["rows"]
    lines = [HEAD.format(code=full.get("code", "-")).rstrip(), *_summary(found, real)]
    lines += [WORDS.format(seeds=f"{SEEDS_FROM:,}")]
    for template in TEMPLATES:
        lines += _template(template, found)
    named = [*_silent(found), *(f"{line}; small run" for line in _silent(small))]
    lines += ["## Silent errors, one by one", "", *(named or ["None."]), ""]
    tallies = [from_json(each) for rows in (found, small) for row in rows.values() for each in row.values()]
    lines += [
        "## Reliability",
        "",
        "Of all answers of the long and the small run, on sides that were read. On the dashed line",
        "confidence says exactly how often an answer is right; above it the reader is right more often.",
        "",
        f"![share right by confidence]({PLOT})",
        "",
        *reliability(tallies),
        "",
    ]
    lines += _real(real) if real else []
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    path.with_name(PLOT).write_text(reliability_svg(total(tallies).confidence), encoding="utf-8")
