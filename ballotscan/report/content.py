"""The words and tables of the official report. Every figure in prose is the table's own text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.report import wording
from ballotscan.report.charts import bars, stacks, trend
from ballotscan.report.document import Appendix, Block, Chart, Document, Grid, Heading, Letterhead, Paragraph
from ballotscan.report.figures import Figures, FormFigures, Part
from ballotscan.report.wording import (
    count,
    group_name,
    index_name,
    index_value,
    interval,
    percent,
    share,
)
from ballotscan.tally.figures import Item
from ballotscan.tally.named import levels_of
from ballotscan.tally.render import factor_text, rounding_text
from ballotscan.tally.rounding import Rounding, as_percent

_DOTS: Final = "……………………………………………………"
_COMMENTS_SHOWN: Final = 15


def write_report(figures: Figures, language: str, today: date) -> Document:
    """The whole report, in the language in use. ``today`` is the day it bears."""
    blocks: list[Block] = [*_grounds(figures), *_organisation(figures), *_accounting(figures)]
    blocks += _progress(figures)
    for place, form in enumerate(figures.forms, start=1):
        blocks += _results(figures, form, place)
    blocks += [*_others(figures), *_to_fill_in(), *_provenance(figures)]
    return Document(
        letterhead=_letterhead(figures, today),
        blocks=tuple(_numbered(blocks)),
        stamp=_("PROVISIONAL") if figures.provisional else "",
        language=language,
        title=_("Report: {title}").format(title=figures.programme.title),
        appendix_word=_("Appendix"),
    )


def rule_of(figures: Figures) -> Rounding:
    """The programme's rounding rule."""
    return "truncate" if figures.programme.index.rounding == "truncate" else "half_up"


def _numbered(blocks: Sequence[Block]) -> Iterator[Block]:
    """Sections in Roman, sub-sections in Arabic figures, as official reports are."""
    section = part = 0
    for block in blocks:
        if isinstance(block, Heading) and block.level == 1:
            section, part = section + 1, 0
            yield Heading(f"{_ROMAN[section - 1]}. {block.text}", 1)
        elif isinstance(block, Heading):
            part += 1
            yield Heading(f"{part}. {block.text}", 2)
        else:
            yield block


_ROMAN: Final = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def _letterhead(figures: Figures, today: date) -> Letterhead:
    agency = figures.programme.agency
    last = _("- File: VT.")
    subject = figures.programme.subject or figures.programme.title
    recipients = [f"- {each};" for each in agency.recipients]
    return Letterhead(
        parent=agency.parent,
        agency=agency.name,
        country="CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        motto="Độc lập - Tự do - Hạnh phúc",
        number=_("No.: ……/BC-{agency}").format(agency=agency.abbreviation),
        place_and_day=_("{place}, {day}/{month}/{year}").format(
            place=agency.place, day=f"{today.day:02d}", month=_month(today), year=today.year
        ),
        kind=_("REPORT"),
        subject=subject[:1].upper() + subject[1:],
        signer=agency.signer,
        recipients_title=_("Recipients:"),
        recipients=(*recipients, last),
    )


def _month(today: date) -> str:
    """As decree 30/2020/NĐ-CP writes it: January and February with a nought before."""
    return f"{today.month:02d}" if today.month < 3 else str(today.month)


def _grounds(figures: Figures) -> Iterator[Block]:
    for each in figures.programme.legal:
        yield Paragraph(_("Pursuant to {document};").format(document=each))
    if figures.provisional:
        waiting = figures.tally.awaiting_answers
        yield Paragraph(
            _("Provisional figures: the period is not closed; answers awaiting review: {count}.").format(
                count=count(waiting)
            ),
            bold=True,
        )


def _organisation(figures: Figures) -> Iterator[Block]:
    programme, period = figures.programme, figures.period
    yield Heading(_("HOW THE SURVEY WAS HELD"))
    yield Paragraph(wording.period_text(period))
    for text in programme.method:
        yield Paragraph(text)
    groups = [form.group for form in figures.forms if form.group]
    if groups:
        yield Paragraph(_("Who was asked: {groups}.").format(groups="; ".join(groups)))
    names = "; ".join(programme.channel_name(each.channel) for each in figures.accounts)
    yield Paragraph(_("Channels: {channels}.").format(channels=names))
    for role, who in programme.roles:
        yield Paragraph(f"{role}: {who}.")


# --- accounting ------------------------------------------------------------------------------------------


def _accounting(figures: Figures) -> Iterator[Block]:
    yield Heading(_("BALLOT ACCOUNTING"))
    head = (
        _("Channel"), _("Issued"), _("Unused"), _("Spoiled"), _("Taken out"), _("Received"),
        _("Valid"), _("Duplicate"), _("Void"), _("Held back"),
    )  # fmt: skip
    rows = []
    for each in figures.accounts:
        given = (each.issued, each.unused, each.spoiled, each.taken_out)
        got = (each.received, each.valid, each.duplicates, each.void, each.held_back)
        name = group_name(figures.programme.channel_name(each.channel))
        rows.append((name, *(count(value) for value in (*given, *got))))
    sums = [sum(getattr(each, name) for each in figures.accounts) for name in _GOT]
    rows.append((_("Total"), "", "", "", "", *(count(value) for value in sums)))
    yield Grid(_("Ballots by channel"), head, tuple(rows), 2.6, frozenset({len(rows) - 1}))
    yield Paragraph(_accounting_text(figures, sums))
    for each in figures.accounts:
        if not each.holds:
            reasons = "; ".join(each.reasons) or _("no reason was given")
            yield Paragraph(
                _(
                    "Channel {channel} does not balance: taken out {taken}, received {received}; {reason}."
                ).format(
                    channel=figures.programme.channel_name(each.channel),
                    taken=count(each.taken_out),
                    received=count(each.received),
                    reason=reasons,
                ),
                bold=True,
            )
    yield Paragraph(
        _(
            "A dash: nothing is issued on this channel, or no minute tells. Paper names nobody and cannot be"
            " matched with other channels: the total may hold the same person more than once."
        )
    )


_GOT: Final = ("received", "valid", "duplicates", "void", "held_back")


def _accounting_text(figures: Figures, sums: Sequence[int]) -> str:
    received, valid = sums[0], sums[1]
    text = _("Of {received} ballots received {valid} are valid and counted ({share}).").format(
        received=count(received), valid=count(valid), share=share(valid, received, rule_of(figures))
    )
    issued = [each for each in figures.accounts if each.returned is not None]
    for each in issued:
        text += " " + _("On the channel {channel} {share} of the ballots given out came back.").format(
            channel=figures.programme.channel_name(each.channel),
            share=percent(Fraction(each.returned or 0).limit_denominator(10**9), rule_of(figures)),
        )
    return text


def _progress(figures: Figures) -> Iterator[Block]:
    if not figures.progress:
        return
    yield Heading(_("SAMPLE AND TARGET"))
    rows = [
        (group_name(each.name), *(count(n) for n in (each.dossiers, each.wanted, each.counted, each.missing)))
        for each in figures.progress
    ]
    missing = sum(each.missing for each in figures.progress)
    total = [sum(getattr(e, n) for e in figures.progress) for n in ("dossiers", "wanted", "counted")]
    rows.append((_("Total"), *(count(value) for value in (*total, missing))))
    head = (_("Unit or field"), _("Dossiers"), _("Target"), _("Counted"), _("Missing"))
    yield Grid(_("Ballots against the target"), head, tuple(rows), 3, frozenset({len(rows) - 1}))
    if missing:
        line = _("{counted} of {wanted} ballots wanted were counted; {missing} are missing.")
    else:
        line = _("{counted} ballots were counted; the target of {wanted} is reached.")
    yield Paragraph(line.format(counted=rows[-1][3], wanted=rows[-1][2], missing=rows[-1][4]))


# --- results ---------------------------------------------------------------------------------------------


def _results(figures: Figures, form: FormFigures, place: int) -> Iterator[Block]:
    title = _("RESULTS")
    yield Heading(f"{title}: {form.group.upper()}" if len(figures.forms) > 1 and form.group else title)
    yield from _indices(figures, form)
    yield from _factors(figures, form)
    yield from _questions(figures, form)
    yield from _groups(figures, form)
    yield from _over_time(figures, form)


def _indices(figures: Figures, form: FormFigures) -> Iterator[Block]:
    rule, chosen = rule_of(figures), form.chosen
    yield Heading(_("Indices"), 2)
    lead = _("By the programme's index ({name}) satisfaction is {value}").format(
        name=_lower(index_name(chosen.name)), value=index_value(chosen, rule)
    )
    if chosen.low is not None:
        lead += _(", with 95% confidence between {interval}").format(interval=interval(chosen, rule))
    yield Paragraph(lead + ".", bold=True)
    if form.weighted is not None:
        yield Paragraph(
            _("Weighted by dossiers it is {value} ({interval}).").format(
                value=index_value(form.weighted, rule), interval=interval(form.weighted, rule)
            )
        )
    rows = tuple(
        (index_name(each.name), index_value(each, rule), count(each.out_of), interval(each, rule))
        for each in form.indices
        if each.value is not None
    )
    head = (_("Index"), _("Value"), _("Out of"), _("95% interval"))
    strong = frozenset(n for n, row in enumerate(rows) if row[0] == index_name(chosen.name))
    yield Grid(_("Named indices"), head, rows, 3, strong, _rounding_note(figures))
    if form.whole.begun < figures.programme.least_n:
        yield Paragraph(
            _("Only {count} ballots: too few to publish without this remark.").format(count=form.whole.begun),
            bold=True,
        )
    if form.subs:
        yield Grid(_("Sub-indices"), _part_head(_("Sub-index")), _part_rows(form.subs, rule, str), 3)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _rounding_note(figures: Figures) -> str:
    note = _("Figures are {rounding}, to two decimals.").format(rounding=rounding_text(rule_of(figures)))
    if figures.dossiers:
        note += " " + _("Intervals allow for {count} dossiers (finite population).").format(
            count=count(figures.dossiers)
        )
    return note


def _part_head(name: str) -> tuple[str, ...]:
    return (name, _("Ballots"), _("Satisfied"), _("Out of"), _("95% interval"))


def _part_rows(parts: Sequence[Part], rule: Rounding, name: object) -> tuple[tuple[str, ...], ...]:
    naming = factor_text if name is factor_text else group_name
    return tuple(
        (
            naming(part.name),
            count(part.ballots),
            index_value(part.index, rule),
            count(part.index.out_of) if part.index else wording.NOT_SHOWN,
            interval(part.index, rule) if part.index else wording.NOT_SHOWN,
        )
        for part in parts
    )


def _factors(figures: Figures, form: FormFigures) -> Iterator[Block]:
    if not form.factors:
        return
    rule = rule_of(figures)
    yield Heading(_("By factor"), 2)
    rows = _part_rows(form.factors, rule, factor_text)
    yield Grid(_("Satisfied answers by factor"), _part_head(_("Factor")), rows, 3)
    yield _bars(_("Satisfied answers by factor, %, with 95% intervals"), rows, form.factors, rule)
    best = max(form.factors, key=_value)
    worst = min(form.factors, key=_value)
    if len(form.factors) > 1:
        shown = dict(zip((part.name for part in form.factors), rows, strict=True))
        yield Paragraph(
            _("The highest share is that of {best} ({high}), the lowest that of {worst} ({low}).").format(
                best=_lower(shown[best.name][0]),
                high=shown[best.name][2],
                worst=_lower(shown[worst.name][0]),
                low=shown[worst.name][2],
            )
        )


def _value(part: Part) -> Fraction:
    return part.index.value if part.index and part.index.value is not None else Fraction(0)


def _bars(caption: str, rows: Sequence[tuple[str, ...]], parts: Sequence[Part], rule: Rounding) -> Chart:
    named = [(row[0], as_percent(_value(part), rule), row[2]) for row, part in zip(rows, parts, strict=True)]
    ends = [
        (part.index.low, part.index.high)
        if part.index and part.index.low is not None and part.index.high is not None
        else None
        for part in parts
    ]
    return bars(caption, named, ends)


def _questions(figures: Figures, form: FormFigures) -> Iterator[Block]:
    """One table for each run of questions that share a scale: counts and shares of answers."""
    yield Heading(_("By question"), 2)
    items = form.whole.of_level("question")
    runs: list[list[Item]] = []
    for item in items:
        scale = [option.label for option in item.options]
        if runs and [option.label for option in runs[-1][0].options] == scale:
            runs[-1].append(item)
        else:
            runs.append([item])
    for run in runs:
        if not form.form.question(run[0].id).satisfied:
            yield from (_option_grid(figures, item) for item in run)
            continue
        yield _question_grid(figures, run)
        chart = _stack(figures, form, run)
        if chart is not None:
            yield chart
    yield Paragraph(
        _(
            "Shares are of the answers to the question; options, blank, invalid and awaiting review add up to"
            " the {ballots} valid ballots. A blank is neither invalid nor dissatisfied."
        ).format(ballots=count(form.whole.sheets))
    )


def _question_grid(figures: Figures, run: Sequence[Item]) -> Grid:
    rule = rule_of(figures)
    labels = [option.label for option in run[0].options]
    head = (_("Question"), *labels, _("Answers"), _("Blank"), _("Invalid"), _("Awaiting"))
    rows = []
    for item in run:
        cells = [f"{count(o.count)} ({share(o.count, item.answered, rule)})" for o in item.options]
        rest = (item.answered, item.blank, item.invalid, item.awaiting)
        rows.append((f"{item.id}. {item.text}", *cells, *(count(value) for value in rest)))
    names = run[0].id if len(run) == 1 else f"{run[0].id} – {run[-1].id}"
    return Grid(_("Answers to {questions}").format(questions=names), head, tuple(rows), 3)


def _option_grid(figures: Figures, item: Item) -> Grid:
    """A question that is no scale: an option a row."""
    rule = rule_of(figures)
    rows = [
        (option.label, count(option.count), share(option.count, item.answered, rule))
        for option in item.options
    ]
    rest = ((_("Blank"), item.blank), (_("Invalid"), item.invalid), (_("Awaiting"), item.awaiting))
    rows += [(name, count(number), "-") for name, number in rest if number]
    rows.append((_("Valid ballots"), count(item.ballots), "-"))
    head = (_("Option"), _("Count"), _("% of answers"))
    return Grid(f"{item.id}. {item.text}", head, tuple(rows), 3, frozenset({len(rows) - 1}))


def _stack(figures: Figures, form: FormFigures, run: Sequence[Item]) -> Chart | None:
    """Levels of each question of a scale, from worst to best; none where there is no such order."""
    ranks = levels_of(form.form.question(run[0].id))
    if not ranks or len(ranks) > 5 or any(not item.answered for item in run):
        return None
    order = sorted(ranks, key=lambda code: ranks[code])
    labels = {option.code: option.label for option in run[0].options}
    rows = []
    for item in run:
        counts = {option.code: option.count for option in item.options}
        rows.append((f"{item.id}. {item.text}", [100 * counts[code] / item.answered for code in order]))
    said = _("The shares are those of the table above.")
    names = run[0].id if len(run) == 1 else f"{run[0].id} – {run[-1].id}"
    caption = _("Levels of {questions}, % of answers").format(questions=names)
    return stacks(caption, rows, [labels[code] for code in order], said)


def _groups(figures: Figures, form: FormFigures) -> Iterator[Block]:
    rule, least = rule_of(figures), figures.programme.least_n
    named = [
        (_("By unit"), _("Unit"), form.units),
        (_("By channel"), _("Channel"), _channels(figures, form)),
        (_("By field of procedure"), _("Field of procedure"), form.fields),
    ]
    for title, head, parts in named:
        if len(parts) < 2:
            continue
        yield Heading(title, 2)
        rows = _part_rows(parts, rule, str)
        ranked = parts is form.units and figures.programme.rank_units
        if ranked:
            rows = tuple((f"{n}. {row[0]}", *row[1:]) for n, row in enumerate(rows, start=1))
        yield Grid(f"{title}: {_lower(index_name(form.chosen.name))}", _part_head(head), rows, 3)
        few = [group_name(part.name) for part in parts if part.ballots < least]
        if few:
            yield Paragraph(
                _("Fewer than {least} ballots, not to be compared with others: {names}.").format(
                    least=least, names="; ".join(few)
                )
            )
        if any(part.index is None for part in parts):
            yield Paragraph(_("* not shown: too few, or it would tell another that is."))
        if ranked:
            yield Paragraph(_("Units whose intervals overlap may not differ, whatever their rank."))


def _channels(figures: Figures, form: FormFigures) -> tuple[Part, ...]:
    name = figures.programme.channel_name
    return tuple(Part(name(part.name), part.ballots, part.index) for part in form.channels)


def _over_time(figures: Figures, form: FormFigures) -> Iterator[Block]:
    rule = rule_of(figures)
    if not form.history and not figures.published:
        return
    yield Heading(_("Over time"), 2)
    points = [*form.history, (figures.period.name, form.chosen)]
    rows = tuple(
        (name, index_value(index, rule), count(index.ballots), interval(index, rule))
        for name, index in points
    )
    head = (_("Period"), _("Value"), _("Ballots"), _("95% interval"))
    yield Grid(_("Over time") + f": {_lower(index_name(form.chosen.name))}", head, rows, 3)
    if form.chosen.name != "mean_score" and len(points) > 1:
        marks = [
            (name, as_percent(index.value or Fraction(0), rule), row[1])
            for (name, index), row in zip(points, rows, strict=True)
        ]
        yield trend(_("Satisfaction over time, %"), marks)
    if form.change is not None:
        yield Paragraph(change_text(form, rows[-2][0]))
    for name, value in figures.published:
        yield Paragraph(
            _("Published earlier ({name}): {value} satisfied answers over ballots.").format(
                name=name, value=percent(value, rule)
            )
        )


def change_text(form: FormFigures, before: str) -> str:
    """The change against the period before in plain words, with the test's own probability."""
    change = form.change
    assert change is not None
    points = wording.number(Fraction(abs(change.points)), "half_up", 1)
    if change.points >= 0:
        moved = _("Against {before} satisfaction rose by {points} percentage points.")
    else:
        moved = _("Against {before} satisfaction fell by {points} percentage points.")
    text = moved.format(before=before, points=points)
    p = wording.number(Fraction(change.p_value), "half_up", 3)
    if change.significant:
        return text + " " + _("Chance alone seldom makes such a difference (p = {p}).").format(p=p)
    return (
        text
        + " "
        + _("Chance alone may well make such a difference (p = {p}): it shows no change.").format(p=p)
    )


# --- the rest --------------------------------------------------------------------------------------------


def _others(figures: Figures) -> Iterator[Block]:
    if not figures.comments:
        return
    yield Heading(_("OTHER OPINIONS"))
    total = len(figures.comments)
    yield Paragraph(
        ngettext(
            "{count} ballot bears a comment; numbers of telephones are masked.",
            "{count} ballots bear a comment; numbers of telephones are masked.",
            total,
        ).format(count=count(total))
    )
    found = {text: figures.comments.count(text) for text in dict.fromkeys(figures.comments)}
    often = sorted(found.items(), key=lambda pair: -pair[1])[:_COMMENTS_SHOWN]
    rows = tuple((text, count(times)) for text, times in often)
    yield Grid(_("Comments, the most frequent first"), (_("Comment"), _("Times")), rows, 8)


def _to_fill_in() -> Iterator[Block]:
    yield Heading(_("STRENGTHS, WEAKNESSES, CAUSES"))
    for title in (_("Strengths"), _("Weaknesses and causes"), _("Proposals")):
        yield Heading(title, 2)
        yield Paragraph(_DOTS)
        yield Paragraph(_DOTS)


def _provenance(figures: Figures) -> Iterator[Block]:
    found = figures.provenance
    yield Appendix("I", _("HOW THESE FIGURES CAN BE CHECKED"))
    head = (_("What"), _("Value"))
    rows = [
        (_("Program"), f"ballotscan {found.version} ({found.engine})"),
        (_("Entries in the record"), count(found.entries)),
        (_("Head of the chain"), _in_groups(found.head)),
        *(
            (_("Template {form} {edition}").format(form=f, edition=e), _in_groups(h))
            for f, e, h in found.templates
        ),
        (_("Rulings by people"), count(found.rulings)),
        (_("Imports of other channels"), count(found.imports)),
        (_("Closed by"), ", ".join(found.closed_by) or _("not closed")),
        (_("Small cells"), _("hidden below {least}").format(least=figures.least_cell)),
    ]
    yield Grid(_("Provenance"), head, tuple(rows), 0.6)
    yield Paragraph(
        _(
            "'ballotscan verify' follows the record's chain from its first entry and finds this head on the"
            " way, if nothing was changed. How reviewers agreed and what an audit found is not in it."
        )
    )


def _in_groups(head: str) -> str:
    return " ".join(head.upper()[start : start + 4] for start in range(0, len(head), 4))
