"""What was answered, in words and tables: indices, factors, questions, groups, change over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ballotscan.i18n import gettext as _
from ballotscan.report import wording
from ballotscan.report.charts import bars, stacks, trend
from ballotscan.report.document import Block, Chart, Grid, Heading, Paragraph
from ballotscan.report.figures import Figures, FormFigures, Part
from ballotscan.report.wording import (
    count,
    group_name,
    index_name,
    index_value,
    interval,
    lower,
    percent,
    rule_of,
    share,
)
from ballotscan.tally.figures import Item
from ballotscan.tally.named import levels_of
from ballotscan.tally.render import factor_text, rounding_text
from ballotscan.tally.rounding import Rounding, as_percent


def results(figures: Figures, form: FormFigures) -> Iterator[Block]:
    """One form's results, that is, one group of respondents'."""
    title = _("RESULTS")
    yield Heading(f"{title}: {form.group.upper()}" if len(figures.forms) > 1 and form.group else title)
    yield from _indices(figures, form)
    yield from _factors(figures, form)
    yield from _questions(figures, form)
    yield from _groups(figures, form)
    yield from _officials(figures, form)
    yield from _over_time(figures, form)


def _indices(figures: Figures, form: FormFigures) -> Iterator[Block]:
    rule, chosen = rule_of(figures), form.chosen
    yield Heading(_("Indices"), 2)
    lead = _("By the programme's index ({name}) satisfaction is {value}").format(
        name=lower(index_name(chosen.name)), value=index_value(chosen, rule)
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
        yield Grid(_("Sub-indices"), _part_head(_("Sub-index")), part_rows(form.subs, rule, str), 3)


def _rounding_note(figures: Figures) -> str:
    note = _("Figures are {rounding}, to two decimals.").format(rounding=rounding_text(rule_of(figures)))
    if figures.dossiers:
        note += " " + _("Intervals allow for {count} dossiers (finite population).").format(
            count=count(figures.dossiers)
        )
    return note


def _part_head(name: str) -> tuple[str, ...]:
    return (name, _("Ballots"), _("Satisfied"), _("Out of"), _("95% interval"))


def part_rows(parts: Sequence[Part], rule: Rounding, name: object) -> tuple[tuple[str, ...], ...]:
    """A row a part: name, ballots, its index, what that is out of, the interval."""
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
    rows = part_rows(form.factors, rule, factor_text)
    yield Grid(_("Satisfied answers by factor"), _part_head(_("Factor")), rows, 3)
    yield _bars(_("Satisfied answers by factor, %, with 95% intervals"), rows, form.factors, rule)
    best = max(form.factors, key=_value)
    worst = min(form.factors, key=_value)
    if len(form.factors) > 1:
        shown = dict(zip((part.name for part in form.factors), rows, strict=True))
        yield Paragraph(
            _("The highest share is that of {best} ({high}), the lowest that of {worst} ({low}).").format(
                best=lower(shown[best.name][0]),
                high=shown[best.name][2],
                worst=lower(shown[worst.name][0]),
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
        yield _question_grid(figures, form, run)
        yield from _best_and_worst(figures, form, run)
        chart = _stack(figures, form, run)
        if chart is not None:
            yield chart
    yield Paragraph(
        _(
            "Shares are of the answers to the question; options, blank, invalid and awaiting review add up to"
            " the {ballots} valid ballots. A blank is neither invalid nor dissatisfied."
        ).format(ballots=count(form.whole.sheets))
    )


def _question_grid(figures: Figures, form: FormFigures, run: Sequence[Item]) -> Grid:
    """Counts and shares of answers; answers that await review have a column only where there are any."""
    rule, waiting = rule_of(figures), any(item.awaiting for item in run)
    labels = [option.label for option in run[0].options]
    head = [_("Question"), *labels, _("Satisfied in all"), _("Answers"), _("Blank"), _("Invalid")]
    head += [_("Awaiting")] if waiting else []
    rows = []
    for item in run:
        chosen = [*(option.count for option in item.options), _satisfied(form, item)]
        cells = [f"{count(number)} ({share(number, item.answered, rule)})" for number in chosen]
        rest = (item.answered, item.blank, item.invalid, *([item.awaiting] if waiting else []))
        rows.append((f"{item.id}. {item.text}", *cells, *(count(value) for value in rest)))
    names = run[0].id if len(run) == 1 else f"{run[0].id} – {run[-1].id}"
    return Grid(_("Answers to {questions}").format(questions=names), tuple(head), tuple(rows), 3)


def _satisfied(form: FormFigures, item: Item) -> int:
    """Answers to a question that count as satisfied."""
    codes = form.form.question(item.id).satisfied
    return sum(option.count for option in item.options if option.code in codes)


def _best_and_worst(figures: Figures, form: FormFigures, run: Sequence[Item]) -> Iterator[Block]:
    """Of three questions or more those with the highest and the lowest share, as the table has it."""
    rated = [item for item in run if item.answered]
    if len(rated) < 3:
        return
    by_share = sorted(rated, key=lambda item: Fraction(_satisfied(form, item), item.answered))
    low, high = by_share[0], by_share[-1]
    rule = rule_of(figures)
    yield Paragraph(
        _("Most are satisfied with {best} ({high}), fewest with {worst} ({low}).").format(
            best=f"{high.id} “{high.text.rstrip('.')}”",
            high=share(_satisfied(form, high), high.answered, rule),
            worst=f"{low.id} “{low.text.rstrip('.')}”",
            low=share(_satisfied(form, low), low.answered, rule),
        )
    )


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
        *((text.rstrip(":"), _("Answer"), parts) for text, parts in form.answers),
    ]
    for title, head, parts in named:
        if len(parts) < 2:
            continue
        yield Heading(title, 2)
        rows = part_rows(parts, rule, str)
        ranked = parts is form.units and figures.programme.rank_units
        if ranked:
            rows = tuple((f"{n}. {row[0]}", *row[1:]) for n, row in enumerate(rows, start=1))
        yield Grid(f"{title}: {lower(index_name(form.chosen.name))}", _part_head(head), rows, 3)
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


def _officials(figures: Figures, form: FormFigures) -> Iterator[Block]:
    """By official or counter, where the programme switched it on."""
    asked = figures.programme.officials
    if asked is None or not form.officials:
        return
    yield Heading(_("By official or counter"), 2)
    rows = part_rows(form.officials, rule_of(figures), str)
    title = _("By official or counter") + f": {lower(index_name(form.chosen.name))}"
    yield Grid(title, _part_head(_("Official or counter")), rows, 3)
    yield Paragraph(
        _(
            "* fewer than {least} ballots. A share rests on who came and on what they came for as well:"
            " officials whose intervals overlap may not differ."
        ).format(least=asked.least_n)
    )


def _channels(figures: Figures, form: FormFigures) -> tuple[Part, ...]:
    name = figures.programme.channel_name
    return tuple(Part(name(part.name), part.ballots, part.index) for part in form.channels)


def _over_time(figures: Figures, form: FormFigures) -> Iterator[Block]:
    rule = rule_of(figures)
    if not form.history and not figures.published:
        return
    yield Heading(_("Over time"), 2)
    named = [*form.history, (figures.period.name, form.chosen)]
    points = [(wording.period_name(name), index) for name, index in named]
    rows = tuple(
        (name, index_value(index, rule), count(index.ballots), interval(index, rule))
        for name, index in points
    )
    head = (_("Period"), _("Value"), _("Ballots"), _("95% interval"))
    yield Grid(_("Over time") + f": {lower(index_name(form.chosen.name))}", head, rows, 3)
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
    text = moved.format(before=lower(before), points=points)
    p = wording.number(Fraction(change.p_value), "half_up", 3)
    if change.significant:
        return text + " " + _("Chance alone seldom makes such a difference (p = {p}).").format(p=p)
    return (
        text
        + " "
        + _("Chance alone may well make such a difference (p = {p}): it shows no change.").format(p=p)
    )
