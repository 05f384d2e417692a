"""The table for people: ``ballotscan/docs/accuracy.md``, written from the committed results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.accuracy.rows import ROWS, SEEDS_FROM, TEMPLATES
from tests.accuracy.tally import BINS, Tally, from_json, total

HEAD = """# How often the reader is wrong

Written by `python -m tests.accuracy.bench`; do not edit by hand.

All figures but those of the last table are of **simulated pages** and bound the program, not an office: only
an office's own sheets, keyed twice by hand, bound the office.

- **Page level**: every figure here is of whole pages, made, scanned and read as the program reads files.
  No mark-level simulation has been run.
- **Sheets**: "10 of 1,875" is a row of which the long run has made 10 sheets so far.
- **Position**: a box. **Silent error**: an answer accepted without a person that is not what was meant. The
  bound is of the share of positions, 95 %, one side (Clopper and Pearson), as if positions were independent;
  they hang together by sheet, so the number of sheets stands beside.
- **Asked**: ordinary answers (one plain cross, tick, slash or fill, or blank) sent to a person, on sides that
  were read. On classes where a person may be asked this may be high.
- **Not flagged**: sheets whose ink or pages are not in the image, and pages that are no ballot, that nothing
  told. For these only this column counts.
- Seeds: {seeds} and up, another series for every version of the reader and the simulator. The reader was
  tuned on seeds below 10,000,000.
"""

COLUMNS = (
    "| what | sheets | positions | inked | silent | upper bound 95 % | asked | sheets with a question "
    "| sides refused | not flagged |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _line(title: str, tally: Tally, planned: int = 0) -> str:
    bound = f"{tally.upper_95:.1e}" if tally.answers else "-"
    cells = (
        title,
        f"{tally.sheets:,} of {planned:,}" if planned > tally.sheets else f"{tally.sheets:,}",
        f"{tally.positions:,}",
        _share(tally.inked, tally.positions) if tally.answers else "-",
        f"**{tally.silent}**" if tally.silent else "0" if tally.answers else "-",
        bound,
        _share(tally.ordinary_review, tally.ordinary),
        _share(tally.sheets_review, tally.sheets) if tally.answers else "-",
        f"{tally.sides_refused} of {tally.sides}",
        f"{tally.not_flagged} of {tally.to_flag}" if tally.to_flag else "-",
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
        values = found.get(row.name, {}).get(template)
        tally = from_json(values) if values is not None else Tally()
        classes += [tally] if row.number else []
        yield _line(row.title, tally, row.full[template])
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
            count, right = summed.get(f"{what} {low:.3f}", (0, 0))
            cells += [f"{count:,}", f"{100 * right / count:.2f} %"] if count else ["0", "-"]
        yield f"| {low:.3f} to {high:.3f} | " + " | ".join(cells) + " |"


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
    yield "Pages filled in by real people, from published sets; the pictures are not in this repository."
    yield ""
    yield COLUMNS
    tallies = {name: from_json(values["real"]) for name, values in rows.items()}
    for name, tally in tallies.items():
        yield _line(name, tally)
    yield _line("together", total(tallies.values()))
    yield ""


def write_table(results: dict[str, Any], path: Path) -> None:
    """All sections there are, as Markdown."""
    lines = [HEAD.format(seeds=f"{SEEDS_FROM:,}")]
    full = results.get("full", {"rows": {}})
    found = full["rows"]
    lines += [f"Reader and simulator: `{full.get('code', '-')}`.", ""]
    for template in TEMPLATES:
        lines += _template(template, found)
    small = results.get("short", {"rows": {}})["rows"]
    named = [*_silent(found), *(f"{line}; small run" for line in _silent(small))]
    lines += ["## Silent errors, one by one", "", *(named or ["None."]), ""]
    lines += [
        "## Reliability",
        "",
        "Of all answers of the long and the small run, on sides that were read:",
        "",
    ]
    lines += reliability(
        from_json(values) for rows in (found, small) for each in rows.values() for values in each.values()
    )
    lines += ["", *(_real(results["real"]["rows"]) if "real" in results else [])]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
