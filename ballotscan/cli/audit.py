"""``ballotscan audit``: how wrong a period's figures can still be, proved by sheets drawn at random."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ballotscan.cli.giving import enter as enter_file
from ballotscan.cli.giving import writing
from ballotscan.cli.options import Database, Rule
from ballotscan.errors import ExitCode, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.rules.periods import parse_period
from ballotscan.settings import load_settings, template_folders

if TYPE_CHECKING:
    from collections.abc import Iterable

app = typer.Typer()
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help=_("Write to this file instead."), metavar="FILE")
]
Period_ = Annotated[str, typer.Argument(help=_("The period that was planned."), metavar="PERIOD")]


@app.command(help=_("Fix the test before anything is drawn, and say how many sheets it takes."))
def plan(
    *,
    period: Annotated[str, typer.Argument(help=_("The period, for example 2023Q1."), metavar="PERIOD")],
    risk: Annotated[
        float, typer.Option("--risk", help=_("The chance to be wrong that is taken, such as 0.05."))
    ] = 0.05,
    max_wrong: Annotated[
        str, typer.Option("--max-wrong", help=_("The share of wrong sheets allowed."), metavar="SHARE")
    ] = "1%",
    staged: Annotated[
        bool, typer.Option("--staged", help=_("A test that allows to look, and then to draw more."))
    ] = False,
    images: Annotated[
        bool, typer.Option("--images", help=_("Read the scans, not the paper: weaker, and called so."))
    ] = False,
    unit: Annotated[str, typer.Option("--unit", help=_("Only this unit."), metavar="NAME")] = "",
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Enter the plan and print it."""
    settings = load_settings(db)
    wanted, limit = parse_period(period, rule or settings.period_rule), share(max_wrong)

    from ballotscan.audit.report import plan_lines
    from ballotscan.audit.work import SHORTEST_SEED, make_plan
    from ballotscan.closing import check_before_tally
    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews
    from ballotscan.verify import shown_head

    with open_store(settings.database, settings.folder, create=False) as store:
        check_before_tally(store)
        made = make_plan(Reviews(store), wanted, unit, risk, limit, staged=staged, images=images)
        head = store.head()[1]
    for line in plan_lines(made):
        typer.echo(line)
    typer.echo(_("Sheets to draw: {count}").format(count=made.body["size"]))
    typer.echo(_("Head: {head}").format(head=shown_head(head)))
    typer.echo(
        _(
            "Give this head to the witnesses; then throw dice {count} times: ballotscan audit draw --seed"
        ).format(count=SHORTEST_SEED)
    )


@app.command(help=_("Draw the sheets to fetch, from a seed thrown after the plan was fixed."))
def draw(
    *,
    period: Period_,
    seed: Annotated[str, typer.Option("--seed", help=_("What the dice showed."), metavar="DIGITS")] = "",
    size: Annotated[
        int | None, typer.Option("--size", min=1, help=_("Draw on to so many sheets (a staged test)."))
    ] = None,
    output: Output = None,
    db: Database = None,
) -> None:
    """Enter the draw, and print the sheets or write the list to be filled in."""
    settings = load_settings(db)

    from ballotscan.audit.csv_files import list_text
    from ballotscan.audit.work import draw as draw_papers
    from ballotscan.audit.work import last_plan
    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews

    with open_store(settings.database, settings.folder, create=False) as store:
        reviews = Reviews(store)
        papers = draw_papers(reviews, last_plan(reviews, period), seed, size)
        if output:
            _write(list_text(reviews, papers), output)
            enter_file(store, "audit list", output)
            typer.echo(_("{file}: {count} sheets.").format(file=output, count=len(papers)))
            return
    for each in papers:
        where = _("{number}. {batch}, sheet {place} of the stack ({sheet})")
        sheet = each.sheet or _("not in the record")
        typer.echo(where.format(number=each.number, batch=each.batch, place=each.place, sheet=sheet))


@app.command("enter", help=_("Take in what an auditor read from the paper: all of it, or nothing."))
def enter_list(
    *,
    file: Annotated[Path, typer.Argument(help=_("The list of 'audit draw', filled in."), metavar="FILE")],
    by: Annotated[str, typer.Option("--by", help=_("The auditor who read."), metavar="NAME")],
    db: Database = None,
) -> None:
    """Enter the readings of a file beside the record's answers."""
    settings = load_settings(db)

    from ballotscan.audit.csv_files import read_list
    from ballotscan.audit.work import enter_readings, last_plan
    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews

    with open_store(settings.database, settings.folder, create=False) as store:
        reviews = Reviews(store)
        added = enter_readings(reviews, last_plan(reviews), read_list(file, by.strip()))
    typer.echo(_("{file}: {added} sheets entered.").format(file=file, added=added))


@app.command(help=_("Print the bound on wrong sheets, and what it means for each published share."))
def report(*, period: Period_, output: Output = None, db: Database = None) -> None:
    """Compare, enter the outcome and print it; exit code 3 where the limit is not shown to be kept."""
    settings = load_settings(db)

    from ballotscan.audit.report import make_report, report_lines
    from ballotscan.audit.work import last_plan
    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews

    with open_store(settings.database, settings.folder, create=False) as store:
        reviews = Reviews(store)
        found = make_report(reviews, template_folders(settings), last_plan(reviews, period))
        if output:
            _write(_joined(report_lines(found)), output)
            enter_file(store, "audit report", output)
            typer.echo(_("{file}: written.").format(file=output))
        else:
            for line in report_lines(found):
                typer.echo(line)
    raise typer.Exit(ExitCode.OK if found.met else ExitCode.LEFT_OPEN)


def share(text: str) -> Fraction:
    """``1%`` or ``0.01`` as an exact number. Raises ``UsageError``."""
    plain = text.strip().replace(",", ".")
    try:
        value = Fraction(plain.removesuffix("%").strip())
    except (ValueError, ZeroDivisionError) as fault:
        raise UsageError(
            _("--max-wrong: '{text}' is no share.").format(text=text), _("Write for example 1%.")
        ) from fault
    return value / 100 if plain.endswith("%") else value


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _write(text: str, output: Path) -> None:
    with writing(output):
        output.write_text(text, encoding="utf-8", newline="")
