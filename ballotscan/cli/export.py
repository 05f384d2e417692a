"""``ballotscan export``: the answers, the pages, or what awaits review, as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ballotscan.cli.giving import enter
from ballotscan.cli.options import Batch, Database, Quarter, Rule
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.rules.periods import parse_period
from ballotscan.settings import Settings, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.store.database import Store
    from ballotscan.store.rows import Scope

app = typer.Typer()

Output = Annotated[
    Path, typer.Option("--output", "-o", help=_("The CSV file to write."), metavar="FILE", show_default=False)
]


PeriodName = Annotated[str, typer.Option("--quarter", help=_("Of this period."), metavar="PERIOD")]


@app.command(help=_("Every answer, one row per question of each sheet."))
def answers(
    *,
    output: Output,
    quarter: Quarter = None,
    batch: Batch = None,
    rule: Rule = None,
    wide: Annotated[bool, typer.Option("--wide", help=_("One row per sheet instead."))] = False,
    db: Database = None,
) -> None:
    """Write the answers of a period or batch, or all."""
    from ballotscan.store.csv_files import write_answers, write_answers_wide

    settings = load_settings(db)
    with _open(settings) as store:
        rows = store.answer_rows(_scope(store, settings, quarter, rule, batch))
        count = write_answers_wide(output, rows) if wide else write_answers(output, rows)
        enter(store, "answers", output)
    _say(output, count)


@app.command(help=_("Every page that came in, with its state and reason."))
def pages(
    *,
    output: Output,
    quarter: Quarter = None,
    batch: Batch = None,
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Write where every page of a period or batch went."""
    from ballotscan.store.csv_files import write_pages

    settings = load_settings(db)
    with _open(settings) as store:
        count = write_pages(output, store.page_rows(_scope(store, settings, quarter, rule, batch)))
        enter(store, "pages", output)
    _say(output, count)


@app.command(help=_("The answers that await a person, to be filled in."))
def review(
    *,
    output: Output,
    quarter: Quarter = None,
    batch: Batch = None,
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Write what awaits review, for ``ballotscan import rulings``."""
    from ballotscan.store.csv_files import write_review

    settings = load_settings(db)
    with _open(settings) as store:
        scope = _scope(store, settings, quarter, rule, batch)
        count = write_review(output, store.answer_rows(scope, in_review=True), store.questions())
    _say(output, count)
    if count:
        typer.echo(
            _(
                "Fill in the column ruling with a code (several joined by |), the word blank or the word"
                " invalid; say why in ruling_reason; then run: ballotscan import rulings {file} --by NAME"
            ).format(file=output)
        )


@app.command("sub-indices", help=_("The programme's sub-indices, for the index of administrative reform."))
def sub_indices(*, output: Output, quarter: PeriodName, rule: Rule = None, db: Database = None) -> None:
    """Write the shares of each sub-index with what they are shares of, and their intervals."""
    from ballotscan.closing import check_before_tally
    from ballotscan.programme.load import SOURCE_NAME, programme_in
    from ballotscan.report.figures import gather
    from ballotscan.report.sub_indices import sub_indices_csv

    settings = load_settings(db)
    programme = programme_in(settings.folder)
    if programme is None or not programme.sub_indices:
        raise UsageError(
            _("{folder}: no programme with sub-indices is here.").format(folder=settings.folder),
            _("Name them in {file} under sub_indices.").format(file=SOURCE_NAME),
        )
    period = parse_period(quarter, rule or programme.period_rule)
    with _open(settings) as store:
        check_before_tally(store)
        figures = gather(store, programme, template_folders(settings), period, settings.least_cell)
        text = sub_indices_csv(figures)
        output.write_text(text, encoding="utf-8", newline="")
        enter(store, "sub-indices", output)
    _say(output, text.count("\r\n") - 1)


@app.command(help=_("Those on a dispatch list who have not answered yet, to write to them again."))
def resend(
    *,
    file: Annotated[Path, typer.Argument(help=_("The list, as it was dispatched."), metavar="FILE")],
    output: Output,
    quarter: PeriodName,
    respondent: Annotated[
        str | None,
        typer.Option("--respondent", help=_("Its column that exports name as respondent."), metavar="COLUMN"),
    ] = None,
    returned: Annotated[
        str | None,
        typer.Option(
            "--returned", help=_("Its column in which you marked what came back."), metavar="COLUMN"
        ),
    ] = None,
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Write the rest of a dispatch list. Ballots are not touched: it only says who has answered at all."""
    from ballotscan.imports.answers import answered_of
    from ballotscan.imports.dispatch import remaining
    from ballotscan.imports.tables import read_table

    if (respondent is None) == (returned is None):
        raise UsageError(
            _("Who has answered is told by --respondent or by --returned."),
            _("Paper names nobody: mark in a column what came back, and name it by --returned."),
        )
    settings = load_settings(db)
    period = parse_period(quarter, rule or settings.period_rule)
    table = read_table(file)
    with _open(settings) as store:
        answered = answered_of(store, table, respondent, period) if respondent else None
    text, left = remaining(file, table, returned, answered)
    output.write_text(text, encoding="utf-8", newline="")
    typer.echo(
        _("{file}: {left} of {all} have not answered.").format(file=output, left=left, all=len(table.rows))
    )


def _open(settings: Settings) -> Store:
    from ballotscan.store.database import open_store

    return open_store(settings.database, settings.folder, create=False)


def _scope(
    store: Store, settings: Settings, quarter: str | None, rule: str | None, batch: str | None
) -> Scope:
    """The batches meant. A name that no batch has is a slip of the hand, not an empty file."""
    from unicodedata import normalize

    from ballotscan.store.rows import Scope

    if batch is not None:
        batch = normalize("NFC", batch)
        if batch not in {known.name for known in store.batches()}:
            raise UsageError(
                _("There is no batch '{batch}'.").format(batch=batch),
                _("'ballotscan export pages' without --batch lists them."),
            )
    if quarter is None:
        return Scope(batch=batch)
    period = parse_period(quarter, rule or settings.period_rule)
    return Scope(period.first, period.last, batch)


def _say(output: Path, count: int) -> None:
    typer.echo(_("{file}: {count} rows written.").format(file=output, count=count))
