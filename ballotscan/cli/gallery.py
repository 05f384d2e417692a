"""``ballotscan gallery``: all boxes of a batch in order of their ink, as contact sheets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ballotscan.cli.giving import check_asker, enter, writing
from ballotscan.cli.options import Batch, By, Database, Quarter, Rule, ShowText
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.rules.periods import parse_period
from ballotscan.settings import load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.forms.form import Form
    from ballotscan.store.database import Store


def gallery(
    *,
    batch: Batch = None,
    quarter: Quarter = None,
    rule: Rule = None,
    question: Annotated[
        str | None, typer.Option("--question", help=_("Only the boxes of this question."), metavar="ID")
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help=_("The PDF to write, or a new folder for PNG pages."), metavar="PATH"
        ),
    ],
    show_text: ShowText = False,
    by: By = "",
    db: Database = None,
) -> None:
    """Draw every box with its score and verdict, those around the border first."""
    if quarter is None and batch is None:
        raise UsageError(
            _("No period is given."), _("Write for example --quarter 2023Q1, or --batch with a batch's name.")
        )
    asker = check_asker(show_text, by)
    settings = load_settings(db)
    period = parse_period(quarter, rule or settings.period_rule) if quarter else None

    from ballotscan.cli.progress import ProgressBar
    from ballotscan.gallery import make_gallery
    from ballotscan.store.database import open_store
    from ballotscan.store.rows import Scope
    from ballotscan.tally.make import load_editions

    with open_store(settings.database, settings.folder, create=False) as store, ProgressBar() as bar:
        _check_batch(store, batch)
        scope = Scope(period.first, period.last, batch) if period else Scope(batch=batch)
        editions = {(sheet.form, sheet.edition) for sheet in store.sheet_rows(scope)}
        forms = load_editions(editions, template_folders(settings))
        _check_question(forms, question)
        _make_folder(output)
        title = " ".join(name for name in (batch, quarter, question) if name)
        masked = not asker
        boxes = make_gallery(store, scope, forms, output, title, question=question, masked=masked, tell=bar)
        if asker:
            enter(
                store, "gallery", *(sorted(output.glob("*.png")) if output.is_dir() else [output]), by=asker
            )
    typer.echo(_("{file}: {count} boxes.").format(file=output, count=boxes))


def _check_batch(store: Store, name: str | None) -> None:
    from ballotscan.store.bodies import composed

    names = [batch.name for batch in store.batches()]
    if name is not None and composed(name) not in names:
        raise UsageError(
            _("There is no batch '{name}'.").format(name=name),
            _("Known batches: {names}.").format(names=", ".join(names) or "-"),
        )


def _check_question(forms: Mapping[tuple[str, str], Form], wanted: str | None) -> None:
    known = dict.fromkeys(question.id for form in forms.values() for question in form.questions)
    if wanted is not None and known and wanted not in known:
        raise UsageError(
            _("There is no question '{name}'.").format(name=wanted),
            _("Known questions: {names}.").format(names=", ".join(known)),
        )


def _make_folder(output: Path) -> None:
    """The place for the pages. Pages of another gallery between them would mislead."""
    folder = output.parent if output.suffix.lower() == ".pdf" else output
    with writing(output):
        folder.mkdir(parents=True, exist_ok=True)
        taken = folder is output and any(folder.iterdir())
    if taken:
        raise UsageError(
            _("{folder}: this folder is not empty.").format(folder=output), _("Name a new folder.")
        )
