"""A form's source (``template.yaml``) as frozen values: what it asks and how it is printed. No geometry."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, TypeVar, get_args

from ballotscan.forms.codes import fits_code
from ballotscan.forms.form import CancelShape, Field, FieldKind, MarkPolicy, MarkShape, Option, Question
from ballotscan.forms.nodes import Node, read_source
from ballotscan.i18n import gettext as _

SOURCE_NAME: Final = "template.yaml"
ID_PATTERN: Final = re.compile(
    r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
)  # also a folder's name; upper case in the codes
EDITION_PATTERN: Final = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,9}")  # what a code of that size can carry
CODE_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,16}")  # ids and codes; the CSV joins codes by "|"
MAX_SIDES: Final = 2  # one sheet of paper
_ONLY_DRAWN: Final = ("subtitle", "header", "intro", "instructions", "correction_rule", "closing", "footer")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a form is drawn: millimetres on A4, points for type."""

    font: str
    size_pt: float
    table_size_pt: float
    margin_left_mm: float
    margin_right_mm: float
    margin_top_mm: float
    margin_bottom_mm: float
    box_mm: float
    outline_mm: float
    indent_mm: float
    number_column_mm: float
    answer_column_mm: float
    row_mm: float
    option_row_mm: float
    corner_mark_mm: float
    corner_inset_mm: float
    code_mm: float


# Least and most of each measure. Boxes: 3 mm is the smallest that a pen can cross, 8 mm still fits a table;
# outlines: 0.2 mm is the thinnest that survives copying; the rest keeps a form on A4.
LAYOUT_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "size_pt": (6, 20),
    "table_size_pt": (6, 20),
    "margin_left_mm": (5, 60),
    "margin_right_mm": (5, 60),
    "margin_top_mm": (5, 60),
    "margin_bottom_mm": (5, 60),
    "box_mm": (3, 8),
    "outline_mm": (0.2, 0.6),
    "indent_mm": (0, 60),
    "number_column_mm": (5, 30),
    "answer_column_mm": (8, 60),
    "row_mm": (6, 40),
    "option_row_mm": (5, 40),
    "corner_mark_mm": (0, 12),
    "corner_inset_mm": (0, 20),
    "code_mm": (0, 40),
}


@dataclass(frozen=True, slots=True)
class PrintedQuestion:
    """A question and how its options are set: below the text or beside it, in so many columns."""

    question: Question
    number: int  # printed, from 1
    columns: int
    beside: bool
    line: int  # of the source, for faults that only show once the form is drawn


@dataclass(frozen=True, slots=True)
class PrintedField:
    """A field and the lines to write on that are printed for it."""

    field: Field
    lines: int


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form with its heading; a table has one column of boxes per level."""

    title: str
    table: bool
    column_labels: tuple[str, ...]  # printed over a table's columns; empty for none
    new_side: bool
    questions: tuple[PrintedQuestion, ...]
    fields: tuple[PrintedField, ...]


@dataclass(frozen=True, slots=True)
class Blank:
    """An office's own print beside its list of boxes; file names in the form's folder."""

    print: str
    boxes: str


@dataclass(frozen=True, slots=True)
class Source:
    """All that ``template.yaml`` says. Either ``layout`` or ``blank`` is set."""

    id: str
    edition: str
    title: str
    subtitle: str
    language: str
    valid_from: str | None
    valid_to: str | None
    sides: int
    linh_vuc_question: str | None
    layout: Layout | None
    blank: Blank | None
    header_left: tuple[str, ...]
    header_right: tuple[str, ...]
    intro: tuple[str, ...]
    instructions: tuple[str, ...]
    policy: MarkPolicy
    lists: tuple[tuple[str, tuple[Option, ...]], ...]
    sections: tuple[Section, ...]
    closing: str
    footer: tuple[str, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every question in printed order."""
        return tuple(printed.question for section in self.sections for printed in section.questions)

    @property
    def has_codes(self) -> bool:
        """True where a code is printed on each side: drawn here, or declared on the office's own blank."""
        if self.layout is not None:
            return self.layout.code_mm > 0
        return any(printed.field.kind == "code" for section in self.sections for printed in section.fields)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field: the title, those declared, a line per write-in, and what we print for machines.

        An office's own blank has only those it declares: what else is printed on it is not known.
        """
        declared = [printed.field for section in self.sections for printed in section.fields]
        if self.layout is None:
            return tuple(declared)
        write_ins = [
            Field(write_in_id(question.id, option.code), "write_in", option.label, None)
            for question in self.questions
            for option in question.options
            if option.write_in
        ]
        title = Field(TITLE_FIELD, "printed_text", _("Title"), self.title)
        machine = [
            Field(EDITION_FIELD, "printed_text", _("Edition"), edition_line(self.id, self.edition)),
            Field(CODE_FIELD, "code", _("Code"), None),
        ]
        return (title, *declared, *write_ins, *(machine if self.has_codes else ()))


TITLE_FIELD: Final = "title"
EDITION_FIELD: Final = "edition"
CODE_FIELD: Final = "code"
OWN_FIELDS: Final = (TITLE_FIELD, EDITION_FIELD, CODE_FIELD)  # of every form that is drawn here


def write_in_id(question: str, option: str) -> str:
    """The id of the field on which an option's text is written."""
    return f"{question}.{option}"


def edition_line(form: str, edition: str) -> str:
    """The line that names form and edition in print, read back by OCR."""
    return f"{form.upper()} {edition}"


@dataclass(frozen=True)
class _Shared:
    """What the whole source offers to its questions."""

    scales: Mapping[str, tuple[tuple[Option, ...], tuple[str, ...]]]
    lists: Mapping[str, tuple[Option, ...]]


def check_code(node: Node) -> str:
    """The id of a question, an option or a field, as the node gives it."""
    return node.matching(CODE_PATTERN, _('up to 16 letters, digits, ".", "-" and "_"'))


def check_edition(node: Node) -> str:
    """An edition, as the node gives it."""
    return node.matching(EDITION_PATTERN, _('up to 10 capitals, digits, "." and "-"'))


def parse_source(path: Path) -> Source:
    """Read ``template.yaml``. Raises ``TemplateError`` ("file:line: reason")."""
    root = read_source(path)
    found = root.fields(
        required=(
            "id",
            "edition",
            "title",
            "language",
            "valid_from",
            "valid_to",
            "sides",
            "marking",
            "sections",
        ),
        optional=(
            *("subtitle", "linh_vuc_question", "layout", "blank", "header", "intro", "instructions"),
            *("correction_rule", "scales", "lists", "closing", "footer"),
        ),
    )
    shared = _Shared(scales=_parse_scales(found.get("scales")), lists=_parse_lists(found.get("lists")))
    source = Source(
        id=found["id"].matching(ID_PATTERN, _('lower-case letters, digits and "-"')),
        edition=check_edition(found["edition"]),
        title=found["title"].text(),
        subtitle=_text(found, "subtitle"),
        language=found["language"].matching(re.compile("[a-z]{2}"), _("two letters such as vi")),
        valid_from=found["valid_from"].date(),
        valid_to=found["valid_to"].date(),
        sides=found["sides"].whole(1, MAX_SIDES),
        linh_vuc_question=_optional_text(found, "linh_vuc_question"),
        layout=_parse_layout(found["layout"]) if "layout" in found else None,
        blank=_parse_blank(found["blank"]) if "blank" in found else None,
        header_left=_texts(found, "header", "left"),
        header_right=_texts(found, "header", "right"),
        intro=_texts(found, "intro"),
        instructions=(*_texts(found, "instructions"), *_parse_correction_rule(found.get("correction_rule"))),
        policy=_parse_marking(found["marking"]),
        lists=tuple(sorted(shared.lists.items())),
        sections=_parse_sections(found["sections"], shared, () if "blank" in found else OWN_FIELDS),
        closing=_text(found, "closing"),
        footer=_texts(found, "footer"),
    )
    _check_whole(root, found, source)
    return source


def _check_whole(root: Node, found: Mapping[str, Node], source: Source) -> None:
    """What can only be told from the source as a whole."""
    if (source.layout is None) == (source.blank is None):
        root.refuse(_('exactly one of "layout" (drawn here) and "blank" (the office\'s own) must be given.'))
    if source.valid_from and source.valid_to and source.valid_to < source.valid_from:
        found["valid_to"].refuse(_("the form ends before it begins."))
    for key in _ONLY_DRAWN if source.blank else ():
        if key in found:
            found[key].refuse(
                _('"{key}" is only for a form that is drawn here.').format(key=key), _("Remove it.")
            )
    if source.has_codes and not fits_code(source.id, source.edition):
        found["id"].refuse(
            _("id and edition together are too long for the printed code."), _("Shorten the id.")
        )
    declared = {printed.field.kind for section in source.sections for printed in section.fields}
    if source.layout and declared & {"code", "write_in"}:
        found["sections"].refuse(
            _("codes and write-ins are declared only for an office's own blank."),
            _('Use "layout: code_mm" and "write_in: true" of an option.'),
        )
    questions = {question.id for question in source.questions}
    if not questions:
        found["sections"].refuse(_("the form asks nothing."), _("Add a question."))
    if source.linh_vuc_question is not None and source.linh_vuc_question not in questions:
        found["linh_vuc_question"].refuse(
            _('there is no question "{id}".').format(id=source.linh_vuc_question)
        )


def _parse_layout(node: Node) -> Layout:
    found = node.fields(required=[field.name for field in fields(Layout)])
    measures = {name: found[name].number(*limits) for name, limits in LAYOUT_LIMITS.items()}
    return Layout(font=found["font"].text(), **measures)


def _parse_blank(node: Node) -> Blank:
    found = node.fields(required=("print", "boxes"))
    for value in found.values():
        if Path(value.text()).name != value.text() or value.text().startswith("."):
            value.refuse(_("only a file's name is allowed here."), _("Put the file beside the source."))
    return Blank(print=found["print"].text(), boxes=found["boxes"].text())


def _parse_correction_rule(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    found = node.fields(required=("print", "text"))
    return (found["text"].text(),) if found["print"].flag() else ()


def _parse_marking(node: Node) -> MarkPolicy:
    found = node.fields(required=("select", "select_if_whole_sheet", "cancel"))
    select = _shapes(found["select"], get_args(MarkShape))
    habit = _shapes(found["select_if_whole_sheet"], get_args(MarkShape))
    for shape in set(select) & set(habit):
        found["select_if_whole_sheet"].refuse(_('"{shape}" selects in any case already.').format(shape=shape))
    return MarkPolicy(select, habit, _shapes(found["cancel"], get_args(CancelShape)))


def _shapes(node: Node, known: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(_one_of(item, known) for item in node.items())


def _parse_scales(node: Node | None) -> dict[str, tuple[tuple[Option, ...], tuple[str, ...]]]:
    scales = {}
    for name, value in (node.entries() if node else {}).items():
        found = value.fields(required=("options", "satisfied"))
        options = _parse_options(found["options"])
        scales[name] = (options, _parse_satisfied(found["satisfied"], options))
    return scales


def _parse_lists(node: Node | None) -> dict[str, tuple[Option, ...]]:
    return {name: _parse_options(value) for name, value in (node.entries() if node else {}).items()}


def _parse_options(node: Node) -> tuple[Option, ...]:
    options: dict[str, Option] = {}
    for item in node.items():
        found = item.fields(required=("code", "label"), optional=("write_in",))
        code = check_code(found["code"])
        if code in options:
            found["code"].refuse(_('the code "{code}" stands here twice.').format(code=code))
        options[code] = Option(code, found["label"].text(), "write_in" in found and found["write_in"].flag())
    if not options:
        node.refuse(_("at least one option is needed."))
    return tuple(options.values())


def _parse_satisfied(node: Node, options: Sequence[Option]) -> tuple[str, ...]:
    return tuple(_one_of(item, tuple(option.code for option in options)) for item in node.items())


@dataclass(frozen=True)
class _Defaults:
    """What a section says for all its questions."""

    factor: str | None
    scale: Node | None
    in_index: bool
    required: bool


def _parse_sections(node: Node, shared: _Shared, reserved: Sequence[str]) -> tuple[Section, ...]:
    sections: list[Section] = []
    taken = set(reserved)
    number = 1
    for item in node.items():
        section = _parse_section(item, shared, number, taken)
        sections.append(section)
        number += len(section.questions)
    return tuple(sections)


def _parse_section(node: Node, shared: _Shared, number: int, taken: set[str]) -> Section:
    found = node.fields(
        required=(),
        optional=(
            *("title", "factor", "layout", "column_labels", "scale", "in_index", "required", "new_side"),
            *("questions", "fields"),
        ),
    )
    defaults = _Defaults(
        factor=_optional_text(found, "factor"),
        scale=found.get("scale"),
        in_index=_flag(found, "in_index"),
        required=_flag(found, "required"),
    )
    items = found["questions"].items() if "questions" in found else []
    questions = tuple(
        _parse_question(item, shared, defaults, number + place, taken) for place, item in enumerate(items)
    )
    table = "layout" in found and _one_of(found["layout"], ("list", "table")) == "table"
    if table and len({tuple(printed.question.options) for printed in questions}) != 1:
        found["layout"].refuse(_("the questions of a table must have the same options."))
    labels = questions[0].question.options if table and _flag(found, "column_labels") else ()
    return Section(
        title=_text(found, "title"),
        table=table,
        column_labels=tuple(option.label for option in labels),
        new_side=_flag(found, "new_side"),
        questions=questions,
        fields=tuple(_parse_field(item, taken) for item in found["fields"].items())
        if "fields" in found
        else (),
    )


def _parse_question(
    node: Node, shared: _Shared, defaults: _Defaults, number: int, taken: set[str]
) -> PrintedQuestion:
    found = node.fields(
        required=("id", "text"),
        optional=(
            *("options", "options_from", "scale", "satisfied", "multiple", "required", "in_index", "factor"),
            *("columns", "beside"),
        ),
    )
    options, satisfied = _question_options(node, found, shared, defaults.scale)
    if "satisfied" in found:
        satisfied = _parse_satisfied(found["satisfied"], options)
    in_index = _flag(found, "in_index", defaults.in_index)
    if in_index and not satisfied:
        node.refuse(
            _("a question of the index needs the codes that count as satisfied."),
            _('Add "satisfied: [...]".'),
        )
    question = Question(
        id=_new_id(found["id"], taken),
        text=found["text"].text(),
        multiple=_flag(found, "multiple"),
        required=_flag(found, "required", defaults.required),
        options=options,
        factor=_optional_text(found, "factor") or defaults.factor,
        satisfied=satisfied,
        in_index=in_index,
    )
    columns = found["columns"].whole(1, 12) if "columns" in found else 1
    return PrintedQuestion(question, number, columns, _flag(found, "beside"), node.line)


def _question_options(
    node: Node, found: Mapping[str, Node], shared: _Shared, scale: Node | None
) -> tuple[tuple[Option, ...], tuple[str, ...]]:
    """The options, and the codes that count as satisfied where a scale says so."""
    given = [key for key in ("options", "options_from", "scale") if key in found]
    if len(given) > 1 or (not given and scale is None):
        node.refuse(_('exactly one of "options", "options_from" and "scale" must be given.'))
    if given == ["options"]:
        return _parse_options(found["options"]), ()
    if given == ["options_from"]:
        return shared.lists[_one_of(found["options_from"], tuple(shared.lists))], ()
    name = found.get("scale") or scale
    assert name is not None
    return shared.scales[_one_of(name, tuple(shared.scales))]


def _parse_field(node: Node, taken: set[str]) -> PrintedField:
    found = node.fields(required=("id", "kind", "label"), optional=("expected", "lines"))
    kind: FieldKind = _one_of(found["kind"], get_args(FieldKind))
    expected = _optional_text(found, "expected")
    if (kind == "printed_text") != (expected is not None):
        node.refuse(_('"expected" is the text of a printed_text, and of no other kind.'))
    field = Field(_new_id(found["id"], taken), kind, found["label"].text(), expected)
    return PrintedField(field, found["lines"].whole(1, 40) if "lines" in found else 1)


def _new_id(node: Node, taken: set[str]) -> str:
    new = check_code(node)
    if new in taken:
        node.refuse(
            _('the id "{id}" is taken already.').format(id=new), _("Give every question and field its own.")
        )
    taken.add(new)
    return new


def _one_of(node: Node, known: tuple[T, ...]) -> T:
    text = node.text()
    for value in known:
        if value == text:
            return value
    names = ", ".join(str(value) for value in known)
    return node.refuse(
        _('"{text}" is not known here.').format(text=text), _("Known: {names}.").format(names=names)
    )


def _flag(found: Mapping[str, Node], key: str, default: bool = False) -> bool:
    return found[key].flag() if key in found else default


def _text(found: Mapping[str, Node], key: str) -> str:
    return _optional_text(found, key) or ""


def _optional_text(found: Mapping[str, Node], key: str) -> str | None:
    return None if key not in found or found[key].is_null() else found[key].text()


def _texts(found: Mapping[str, Node], key: str, part: str | None = None) -> tuple[str, ...]:
    node = found.get(key)
    if node is not None and part is not None:
        node = node.fields(required=("left", "right"))[part]
    return tuple(item.text() for item in node.items()) if node else ()
