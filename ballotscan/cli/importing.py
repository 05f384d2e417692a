"""``ballotscan import``: answers given on other channels, and numbers that an office declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ballotscan.cli.options import Database, Rule
from ballotscan.cli.rulings import app, refuse_rows
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.rules.periods import parse_period
from ballotscan.settings import Settings, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.forms.form import Form
    from ballotscan.store.importing import Declared

__all__ = ("app",)

File = Annotated[Path, typer.Argument(help=_("The file to take in."), metavar="FILE")]
Channel = Annotated[
    str, typer.Option("--channel", help=_("How these answers came: kiosk, zalo, post."), metavar="CHANNEL")
]
Period = Annotated[
    str, typer.Option("--quarter", help=_("The period these numbers are of."), metavar="PERIOD")
]


@app.command(help=_("Take in answers from CSV, XLSX or JSON: all of it, or nothing if a row is wrong."))
def answers(
    *,
    file: File,
    channel: Channel,
    mapping: Annotated[
        Path,
        typer.Option("--mapping", help=_("What its columns mean; see 'import mapping'."), metavar="FILE"),
    ],
    received: Annotated[
        str | None,
        typer.Option("--received", help=_("The day of answers without one, as 2023-03-10."), metavar="DATE"),
    ] = None,
    db: Database = None,
) -> None:
    """Enter the rows of an export that are not known yet."""
    from datetime import date
    from unicodedata import normalize

    from ballotscan import ENGINE
    from ballotscan.imports.answers import read_answers, store_answers
    from ballotscan.imports.mapping import faults_of, read_mapping
    from ballotscan.imports.tables import read_table
    from ballotscan.store.database import open_store

    name = normalize("NFC", channel).strip()
    if not name:
        raise UsageError(_("--channel: the name is empty."))
    try:
        day = date.fromisoformat(received) if received else None
    except ValueError:
        raise UsageError(_("--received: '{text}' is no day.").format(text=received)) from None
    settings = load_settings(db)
    read, table = read_mapping(mapping), read_table(file)
    form = _form(settings, read.form)
    faults = [f"{mapping}: {fault}" for fault in faults_of(read, form, table)]
    if faults:
        refuse_rows(file, faults)
    export = read_answers(table, read, form, name, day)
    if export.faults:
        refuse_rows(file, export.faults)
    with open_store(settings.database, settings.folder) as store:
        done = store_answers(store, export, read, form, name, file, ENGINE)
    counts = _("{file}: {added} ballots added, {known} known already.")
    typer.echo(counts.format(file=file, added=done.added, known=done.known))
    if done.repeated:
        line = _("Set aside, because the same respondent answered before: {count}.")
        typer.echo(line.format(count=done.repeated))
    if done.unsaid:
        line = _("{count} name no respondent: whether one of them answered twice, cannot be told.")
        typer.echo(line.format(count=done.unsaid))


@app.command(help=_("Propose what the columns of an export mean, to be read and corrected."))
def mapping(
    *,
    file: File,
    form: Annotated[str, typer.Option("--template", help=_("The form that was asked."), metavar="FORM")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=_("The YAML file to write."), metavar="FILE")
    ],
    db: Database = None,
) -> None:
    """Write a mapping for ``import answers``."""
    from ballotscan.imports.propose import propose
    from ballotscan.imports.tables import read_table

    if output.exists():
        raise UsageError(
            _("{file}: this exists already.").format(file=output), _("Choose another name for -o.")
        )
    table = read_table(file)
    output.write_text(propose(table, _form(load_settings(db), form)), encoding="utf-8")
    typer.echo(_("{file}: written. Read it before you use it: nothing in it was tried.").format(file=output))


@app.command(help=_("Take in counts that were published, check them, and keep them to compare with."))
def counts(*, file: File, rule: Rule = None, db: Database = None) -> None:
    """Say what the counts give by each rule, and what in them cannot be."""
    from ballotscan.imports.declared import check_counts, read_counts

    settings = load_settings(db)
    body = read_counts(file, rule or settings.period_rule)
    form = _form(settings, body["form"])
    if form.edition != body["edition"]:
        raise UsageError(
            _("{file}: the form {form} is here in edition {edition}.").format(
                file=file, form=form.id, edition=form.edition
            )
        )
    questions = {question.id: question for question in form.questions}
    check_counts(file, body["counts"], questions)
    from ballotscan.tally.published import audit, published_of
    from ballotscan.tally.published_text import audit_lines

    published = published_of(body)
    for line in audit_lines(published, audit(published, questions)):
        typer.echo(line)
    _declare(settings, "counts", body)


@app.command(help=_("Take in how many dossiers were returned, by unit and field of procedure."))
def dossiers(*, file: File, quarter: Period, rule: Rule = None, db: Database = None) -> None:
    """Declare dossiers: targets, weights and intervals rest on them."""
    from ballotscan.imports.declared import read_dossiers

    settings = load_settings(db)
    body = read_dossiers(file, parse_period(quarter, rule or settings.period_rule))
    typer.echo(_("Dossiers: {count}.").format(count=sum(row[2] for row in body["rows"])))
    _declare(settings, "dossiers", body)


@app.command(help=_("Take in to how many people ballots were sent; their names stay in your file."))
def dispatch(
    *, file: File, channel: Channel, quarter: Period, rule: Rule = None, db: Database = None
) -> None:
    """Declare how many ballots were sent out, to be held against those that came back."""
    from ballotscan.imports.declared import read_dispatch

    settings = load_settings(db)
    body = read_dispatch(file, channel.strip(), parse_period(quarter, rule or settings.period_rule))
    sent = sum(row[1] for row in body["rows"])
    typer.echo(ngettext("{count} ballot sent.", "{count} ballots sent.", sent).format(count=sent))
    _declare(settings, "dispatch", body)


def _declare(settings: Settings, kind: Declared, body: dict[str, Any]) -> None:
    from ballotscan.store.database import open_store

    with open_store(settings.database, settings.folder) as store:
        added = store.declare(kind, body)
    typer.echo(_("Entered in the record.") if added else _("It was entered before: nothing added."))


def _form(settings: Settings, name: str) -> Form:
    from ballotscan.forms.load import find_forms, load_form

    folders = find_forms(template_folders(settings))
    if name not in folders:
        raise UsageError(
            _("There is no form '{form}'.").format(form=name),
            _("Forms: {names}.").format(names=", ".join(folders)),
        )
    return load_form(folders[name])
