"""``ballotscan tally``: a period's figures, as a table, CSV or JSON."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ballotscan.cli.giving import enter, writing
from ballotscan.cli.options import Batch, Database, Quarter, Rule
from ballotscan.errors import ExitCode, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.rules.periods import parse_period
from ballotscan.settings import load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.tally.figures import By, Tally

Grouping = Literal["unit", "channel", "linh-vuc"]


def tally(
    *,
    quarter: Quarter = None,
    batch: Batch = None,
    rule: Rule = None,
    by: Annotated[
        Grouping | None, typer.Option("--by", help=_("Also every figure of each of these."))
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help=_("Write every figure as CSV."))] = False,
    json: Annotated[bool, typer.Option("--json", help=_("Write every figure as JSON."))] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=_("Write to this file instead."), metavar="FILE")
    ] = None,
    db: Database = None,
) -> None:
    """Print the tally of a period or a batch, or say what does not balance."""
    if quarter is None and batch is None:
        raise UsageError(
            _("No period is given."), _("Write for example --quarter 2023Q1, or --batch with a batch's name.")
        )
    if csv and json:
        raise UsageError(_("--csv and --json exclude each other."), _("Choose one."))
    settings = load_settings(db)
    period = parse_period(quarter, rule or settings.period_rule) if quarter else None

    # Rows make no cycles. To look for some after every 700 took 0.3 s of the 2 s of a million answers.
    gc.set_threshold(200_000)
    from unicodedata import normalize

    from ballotscan.closing import check_before_tally
    from ballotscan.store.database import open_store
    from ballotscan.tally.make import make_tally
    from ballotscan.tally.small_cells import mask_tally

    with open_store(settings.database, settings.folder, create=False) as store:
        check_before_tally(store)
        figures = make_tally(store, template_folders(settings), period, batch and normalize("NFC", batch))
        figures = mask_tally(figures, settings.least_cell, settings.mask_one_way)
        if csv or json:
            _write(_as_text(figures, csv), output)
            _warn(figures)
        else:
            _print_tables(figures, "linh_vuc" if by == "linh-vuc" else by, output)
        if output:
            enter(store, "tally", output)
    raise typer.Exit(_exit_code(figures))


def _as_text(figures: Tally, csv: bool) -> str:
    from ballotscan.tally.files import as_csv, as_json

    return as_csv(figures) if csv else as_json(figures)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())  # as bytes: Windows would make CR LF of every LF, also in CSV
        sys.stdout.buffer.flush()
        return
    with writing(output):
        output.write_text(text, encoding="utf-8", newline="")


def _print_tables(figures: Tally, by: By | None, output: Path | None) -> None:
    """On a screen in its width; into a file or a pipe as wide as a page."""
    from shutil import get_terminal_size

    from ballotscan.tally.render import PLAIN_WIDTH, render

    on_screen = output is None and sys.stdout.isatty()
    width = get_terminal_size().columns if on_screen else PLAIN_WIDTH
    lines: list[str] = []
    for part in render(figures, by):
        lines += [part] if isinstance(part, str) else part.lines(width)
    _write("".join(f"{line}\n" for line in lines), output)


def _warn(figures: Tally) -> None:
    """What stands at the head of the tables, for whoever reads only the screen while a file is written."""
    from ballotscan.tally.render import alone_line, first_line, unexpected_line

    if figures.awaiting_answers:
        typer.echo(first_line(figures), err=True)
    if figures.ruled_alone:
        typer.echo(alone_line(figures), err=True)
    for batch in figures.batches:
        if not batch.as_expected:
            typer.echo(unexpected_line(batch), err=True)


def _exit_code(figures: Tally) -> ExitCode:
    """5 where an open batch has not the sheets expected, 3 where something is left open, else 0."""
    if not all(batch.settled for batch in figures.batches):
        return ExitCode.UNBALANCED
    open_sheets = sum(form.review + form.set_aside + form.incomplete for form in figures.forms)
    open_pages = sum(batch.balance.pages_set_aside for batch in figures.batches)
    return ExitCode.LEFT_OPEN if open_sheets or open_pages else ExitCode.OK
