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
from ballotscan.settings import Settings, load_settings

if TYPE_CHECKING:
    from ballotscan.store.database import Store
    from ballotscan.store.rows import Scope

app = typer.Typer()

Output = Annotated[
    Path, typer.Option("--output", "-o", help=_("The CSV file to write."), metavar="FILE", show_default=False)
]


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
