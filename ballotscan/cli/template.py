"""``ballotscan template``: the forms; list, show, print, boxes, and take in an office's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ballotscan.cli.giving import writing
from ballotscan.cli.options import Database
from ballotscan.errors import TemplateError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.settings import load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.forms.form import Form, Question

app = typer.Typer()
MOST_COPIES = 500  # with serials, in one file: about a minute and 35 MB

Name = Annotated[
    str, typer.Argument(help=_("The template's name, as `template list` shows it."), metavar="NAME")
]


@app.command("list", help=_("List the templates: the office's own and those shipped."))
def list_templates(db: Database = None) -> None:
    """One line per template; one that cannot be loaded is named after the others, with what is wrong."""
    from ballotscan.forms.load import load_form

    faults: list[TemplateError] = []
    for name, folder in _folders(db).items():
        try:
            typer.echo(_summary(load_form(folder), folder))
        except TemplateError as fault:
            faults.append(fault)
            typer.echo(_("{name}: cannot be used.").format(name=name))
    if faults:
        raise faults[0]


@app.command(help=_("Show what a template asks and how it is read."))
def show(name: Name, db: Database = None) -> None:
    """The whole form as text."""
    from ballotscan.forms.load import load_form

    folder = find_template(name, db)
    form = load_form(folder)
    typer.echo(_summary(form, folder))
    for number, question in enumerate(form.questions, start=1):
        typer.echo("")
        for line in _question_lines(number, question, form):
            typer.echo(line)
    typer.echo("")
    for field in form.fields:
        sides = [str(side.number) for side in form.sides for place in side.fields if place.field == field.id]
        typer.echo(
            _("Field {id} ({kind}), side {sides}: {label}").format(
                id=field.id, kind=field.kind, sides=", ".join(sides), label=field.expected or field.label
            )
        )
    typer.echo(_("Selects: {shapes}").format(shapes=_joined(form.policy.select)))
    typer.echo(_("Selects as a habit: {shapes}").format(shapes=_joined(form.policy.select_if_whole_sheet)))
    typer.echo(_("Cancels: {shapes}").format(shapes=_joined(form.policy.cancel)))


@app.command("print", help=_("Write the blank form as a PDF for the printer."))
def print_form(
    name: Name,
    output: Annotated[Path, typer.Option("--output", "-o", help=_("The PDF to write."), metavar="FILE.pdf")],
    serials: Annotated[
        int,
        typer.Option(
            "--serials", help=_("So many copies, each with a random number of its own."), metavar="N"
        ),
    ] = 0,
    db: Database = None,
) -> None:
    """An office's own blank is written as it was taken in; ours is drawn."""
    from ballotscan.forms.load import load_form

    folder = find_template(name, db)
    form = load_form(folder)
    _write(output, _pdf(form, folder, serials))
    sheets = ngettext("{count} sheet", "{count} sheets", max(1, serials)).format(count=max(1, serials))
    typer.echo(_("{file}: {sheets}. Print at full size (100 %).").format(file=output, sheets=sheets))


@app.command(help=_("Print where every box and field lies, as JSON in millimetres."))
def boxes(name: Name, db: Database = None) -> None:
    """The list of boxes; the same that ``template add`` takes."""
    import json

    from ballotscan.forms.boxlist import form_as_json
    from ballotscan.forms.load import load_form

    listed = form_as_json(load_form(find_template(name, db)))
    typer.echo(json.dumps(listed, ensure_ascii=False, indent=1))


@app.command(help=_("Take in an office's own form: its blank and a list of its boxes."))
def add(
    name: Annotated[
        str, typer.Argument(help=_("A name for the template, such as so-noi-vu-2026."), metavar="NAME")
    ],
    blank: Annotated[Path, typer.Option(help=_("The blank form: PDF, PNG, JPEG or TIFF."), metavar="FILE")],
    boxes: Annotated[
        Path,
        typer.Option(
            help=_("The places of its boxes, as `template boxes` prints them."), metavar="FILE.json"
        ),
    ],
    title: Annotated[
        str | None, typer.Option(help=_("The title as printed on the form."), metavar="TEXT")
    ] = None,
    db: Database = None,
) -> None:
    """The form lies beside the database afterwards, with a source to complete by hand."""
    from ballotscan.forms.blanks import add_blank
    from ballotscan.forms.source import SOURCE_NAME

    if name in _folders(db):  # also a shipped one: what was read with a form must stay readable
        raise UsageError(
            _("{folder}: there is such a template already.").format(folder=_folders(db)[name]),
            _("Choose another name: what was read with a form must stay readable."),
        )
    taken = add_blank(name, blank, boxes, template_folders(load_settings(db))[0], title)
    typer.echo(_summary(taken.form, taken.folder))
    for box in taken.without_outline:
        typer.echo(
            _("Warning: no outline is printed at box {box}; check its place.").format(box=box), err=True
        )
    typer.echo(_("Now complete {file}: texts, labels, factors.").format(file=taken.folder / SOURCE_NAME))


def find_template(name: str, db: str | None) -> Path:
    """The folder of the template of that name. Raises ``UsageError`` naming those there are."""
    folders = _folders(db)
    if name not in folders:
        raise UsageError(
            _('There is no template "{name}".').format(name=name),
            _("There are: {names}.").format(names=", ".join(folders)),
        )
    return folders[name]


def _folders(db: str | None) -> dict[str, Path]:
    from ballotscan.forms.load import find_forms

    return find_forms(template_folders(load_settings(db)))


def _summary(form: Form, folder: Path) -> str:
    count = sum(len(side.boxes) for side in form.sides)
    return _(
        "{id}, edition {edition}: {title}. Sides: {sides}, questions: {questions}, boxes: {boxes}. {folder}"
    ).format(
        id=form.id,
        edition=form.edition,
        title=form.title,
        sides=len(form.sides),
        questions=len(form.questions),
        boxes=count,
        folder=folder,
    )


def _question_lines(number: int, question: Question, form: Form) -> list[str]:
    traits = [
        _("several answers") if question.multiple else _("one answer"),
        _("required") if question.required else _("may stay blank"),
        *([_("in the index")] if question.in_index else []),
        *([_("factor {factor}").format(factor=question.factor)] if question.factor else []),
    ]
    side = form.side_of_question[question.id]
    head = _("{number}. {id} (side {side}; {traits})").format(
        number=number, id=question.id, side=side, traits=", ".join(traits)
    )
    options = [
        f"     {option.code}  {option.label}"
        + (_("  [satisfied]") if option.code in question.satisfied else "")
        for option in question.options
    ]
    return [head, f"   {question.text}", *options]


def _joined(shapes: tuple[str, ...]) -> str:
    return ", ".join(shapes) or _("nothing")


def _pdf(form: Form, folder: Path, serials: int) -> bytes:
    from ballotscan.forms.codes import make_serials
    from ballotscan.forms.prints import printable_pdf

    if not 0 <= serials <= MOST_COPIES:
        raise UsageError(_("--serials: from 1 to {most} copies in one file.").format(most=MOST_COPIES))
    if serials and not form.has_codes:
        raise UsageError(
            _('--serials: the form "{name}" carries no code to hold a number.').format(name=form.id),
            _("Leave the option out."),
        )
    return printable_pdf(folder, make_serials(serials) or [None])


def _write(path: Path, data: bytes) -> None:
    with writing(path):
        path.write_bytes(data)
