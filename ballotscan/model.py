"""The nouns of the program, as frozen values. Imports nothing of ours and no numpy.

Lengths end with their unit (``_mm``, ``_px``, ``_deg``); scores and confidences are 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NewType

SheetId = NewType("SheetId", str)
BatchName = NewType("BatchName", str)
Sha256 = NewType("Sha256", str)
"""Lower-case hexadecimal SHA-256 of a file's bytes."""


class Reason(StrEnum):
    """Why something was flagged. The codes are the same in every language; texts come from the catalogues."""

    # files that could not be opened as a stack of scans (one entry stands for the whole file)
    EMPTY_FILE = "empty_file"
    DAMAGED_FILE = "damaged_file"
    ENCRYPTED = "encrypted"
    UNSUPPORTED_TYPE = "unsupported_type"
    NO_PAGES = "no_pages"
    TOO_MANY_PAGES = "too_many_pages"
    ACTIVE_CONTENT = "active_content"
    STILL_WRITTEN = "still_written"
    NOT_A_FILE = "not_a_file"
    # pages
    DAMAGED_IMAGE = "damaged_image"
    CUT_OFF = "cut_off"
    TOO_LARGE = "too_large"
    TOO_COARSE = "too_coarse"
    DRAWN_ON = "drawn_on"
    NOT_A_SCAN = "not_a_scan"
    UNSUPPORTED_IMAGE = "unsupported_image"
    TIME_LIMIT = "time_limit"
    RESOURCE_LIMIT = "resource_limit"
    BLANK_PAGE = "blank_page"
    NOT_THIS_FORM = "not_this_form"
    OTHER_EDITION = "other_edition"
    MIRRORED = "mirrored"
    POOR_FIT = "poor_fit"
    SEVERAL_SHEETS = "several_sheets"
    REPEAT = "repeat"
    # sheets
    SIDE_MISSING = "side_missing"
    SIDE_DOUBLED = "side_doubled"
    SIDE_UNREADABLE = "side_unreadable"
    SERIALS_DIFFER = "serials_differ"
    SIDES_UNSURE = "sides_unsure"
    DUPLICATE = "duplicate"
    TITLE_DIFFERS = "title_differs"
    FIELD_DIFFERS = "field_differs"
    # answers
    SEVERAL_MARKS = "several_marks"
    FAINT = "faint"
    CORRECTED = "corrected"
    UNUSUAL_MARK = "unusual_mark"
    STRAY_INK = "stray_ink"
    OUTLINE_LOST = "outline_lost"
    OUTSIDE_IMAGE = "outside_image"
    COVERED = "covered"
    BITONAL_BLANK = "bitonal_blank"
    NOTHING_MARKED = "nothing_marked"
    LOW_CONFIDENCE = "low_confidence"
    LINH_VUC_CONFLICT = "linh_vuc_conflict"


class Outcome(StrEnum):
    """What an answer is. ``ruled`` is a person's decision; all others are the machine's."""

    ONE = "one"
    SEVERAL = "several"
    BLANK = "blank"
    CORRECTED = "corrected"
    UNSURE = "unsure"
    UNREADABLE = "unreadable"
    RULED = "ruled"


class Status(StrEnum):
    ACCEPTED = "accepted"
    REVIEW = "review"


class WarningKind(StrEnum):
    """What was noticed over many pages while a batch was scanned."""

    STREAK = "streak"
    PAPER = "paper"
    PRINT = "print"
    CONTRAST = "contrast"
    BITONAL = "bitonal"
    WHITENED = "whitened"
    SKEW = "skew"
    STRETCH = "stretch"
    RESOLUTION = "resolution"
    BOX_JUMP = "box_jump"
    BOX_DOUBLED = "box_doubled"
    BLANKS = "blanks"
    REVIEW = "review"
    QUESTION_REVIEW = "question_review"
    SAME_PAPER = "same_paper"
    SAME_STACK = "same_stack"
    REPLACES = "replaces"


class PageState(StrEnum):
    """Where a page went. Every page that comes in has exactly one."""

    PENDING = "pending"  # read, not yet put on a sheet: only while a scan is running or was interrupted
    ON_SHEET = "on_sheet"
    NON_BALLOT = "non_ballot"
    REPEAT = "repeat"
    SET_ASIDE = "set_aside"


class SheetState(StrEnum):
    """What became of a sheet. Every sheet has exactly one."""

    READ = "read"
    REVIEW = "review"
    VOID = "void"
    SET_ASIDE = "set_aside"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class PageRef:
    """One page of one source file.

    ``file`` is the path below the folder or file named on the command line, with ``/`` between parts;
    ``page`` counts from 1 inside that file (0 stands for a file that could not be opened at all).
    """

    file: str
    page: int
    original: Sha256


@dataclass(frozen=True, slots=True)
class Mark:
    """What was measured in and around one box. No verdict: ``rules`` decides.

    Inks are darkness beyond the blank form's own print, in units of the darkness of the sheet's own
    printed outlines (0 none, 1 as dark as the print); shares are 0 to 1.
    """

    question: str
    option: str
    ink: float  # mean ink inside the outline; about 0, either sign, where there is none
    peak: float  # the darkest twentieth of the inside
    cover: float  # share of the inside at least half as dark as that
    extent: float  # longer side of the ink inside, as a share of the box
    near_peak: float  # the darkest twentieth of what lies within 0.9 mm around the box
    encircled: float  # ink met in three directions of five around the box, as of a circle
    ring_peak: float  # ink met in the strongest direction, within 3.8 mm around the box
    through: float  # ink that leaves the surroundings in two opposite directions: a line across the box
    outline: float  # correlation of the printed outline with the blank's, -1 to 1
    weakest_side: float  # darkness of the weakest side of the outline, 1 as dark as the sheet's others
    shift_x_mm: float  # where the outline was found against where the page fit put it
    shift_y_mm: float
    held: float  # share of the box's corners that lie in the image
    next_side: float = 0.0  # darkness of the weakest side but one; readings of before 2026-11-23 do not tell
    # how likely the box, looked at as a picture, is one of these (what is left: marked in an unusual way);
    # readings of before 2026-11-29 do not tell
    choice: float = 0.0
    nothing: float = 0.0
    taken_back: float = 0.0


@dataclass(frozen=True, slots=True)
class FieldReading:
    """Printed or typed text read by OCR, or the place of a free text kept as a clip."""

    field: str
    text: str
    confidence: float
    x_px: float  # bounding box in the scan's own pixels
    y_px: float
    w_px: float
    h_px: float
    ink: float  # share of the field covered by ink beyond the blank form


@dataclass(frozen=True, slots=True)
class SideReading:
    """One side of one sheet, read."""

    form: str
    edition: str
    side: int  # the template's page, from 1
    engine: str
    rotation_deg: float  # how the page lay: 0 upright, 180 upside down, and the skew
    scale_x: float  # size against the template, 1 = printed at full size
    scale_y: float
    dpi: float  # real resolution, from the print
    fit: float  # 0 to 1: how well the page's print agrees with the template's
    bitonal: bool
    code: str | None  # the side's own code as read, if any
    serial: str | None
    marks: tuple[Mark, ...]
    fields: tuple[FieldReading, ...]
    flags: tuple[Reason, ...]
    map_px: tuple[float, ...]  # 3x3 homography, row by row: template mm to scan px
    # of the scanner rather than of the sheet; what older readings do not tell keeps its default
    streaks_mm: tuple[float, ...] = ()  # where dust drew a line down the image, from its left edge
    paper: float = 1.0  # usual grey level of the paper, 1 white
    print_dark: float = 1.0  # how dark this scan shows what the form prints black
    trace: str = ""  # the marks' shapes, by which the same paper is known again: see vision.trace
    white: float = (
        0.0  # share of the image at the very end of its scale: a driver that whitens paper makes 0.8
    )


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page that is a side of a known form."""

    ref: PageRef
    image: Sha256  # hash of the page's own image bytes
    reading: SideReading


@dataclass(frozen=True, slots=True)
class PageNotRead:
    """A page (or a whole file, ``ref.page == 0``) that could not be read, or is no ballot.

    ``state`` is NON_BALLOT, REPEAT or SET_ASIDE. ``form`` and ``side`` are set where they are known all the
    same: a damaged page of a known form is a sheet that is set aside, not a page that belongs nowhere.
    """

    ref: PageRef
    image: Sha256 | None
    state: PageState
    reason: Reason
    detail: str
    form: str | None = None
    edition: str | None = None
    side: int | None = None


PageResult = PageRead | PageNotRead


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question of one sheet.

    ``codes`` are option codes in printed order: none for blank, several for an overvote or a multiple choice.
    In review they are the machine's proposal and are never counted.
    """

    question: str
    side: int
    outcome: Outcome
    codes: tuple[str, ...]
    status: Status
    confidence: float
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet made of its sides, with a decision for every question of its form."""

    form: str
    edition: str
    state: SheetState
    reason: Reason | None
    serial: str | None
    pages: tuple[PageRef | None, ...]  # one place per side of the form; None where the side is missing
    answers: tuple[Answer, ...]  # every question of the form, in printed order


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's decision on one answer. Appended beside the machine's reading, never over it."""

    sheet: SheetId
    question: str
    codes: tuple[str, ...]
    invalid: bool  # several answers, or unreadable: counted as invalid
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one person says of one answer. It counts once another person says the same.

    ``seen`` is the entry of the ruling that stood when the person looked, 0 where none did. ``beside``: the
    machine's answer was shown; such an opinion is never the second of two.
    """

    sheet: SheetId
    question: str
    codes: tuple[str, ...]
    invalid: bool
    by: str
    note: str = ""
    seen: int = 0
    beside: bool = False


SheetAct = Literal["void", "count", "pair"]
"""What a person says of a whole sheet: that it must not count, that its doubt is unfounded, or that it and
another are the two sides of one paper."""


@dataclass(frozen=True, slots=True)
class SheetProposal:
    """What one person says of a whole sheet. ``same_as``: the sheet whose paper it is a second scan of, or
    the one that holds its other sides.
    """

    sheet: SheetId
    act: SheetAct
    by: str
    reason: str
    same_as: str = ""


class Standing(StrEnum):
    """What became of a person's decision."""

    WAITS = "waits"  # for another person
    SETTLED = "settled"
    DIFFERS = "differs"  # from another's: a third decides, or the two look again
    KNOWN = "known"  # the very same stands already: a double click


ACCEPTED_RISK: Final = 0.001
"""Answers more likely to be wrong than this go to a person, if the office sets nothing else. One careful
person who keys a field is wrong in 0.00037 of cases, so what is surer than that gains nothing from being
looked at."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """What the person who scans says about a stack."""

    name: BatchName
    forms: tuple[str, ...]
    received: str  # ISO date on which the box was opened
    channel: str
    unit: str
    linh_vuc: str
    expect: int | None
    calibration: str = ""  # the scanner's profile of this run: its name and the SHA-256 of its file
    scanned_by: str = ""  # who runs this scan: nobody who did is the second of two at the review
    accepted_risk: float = ACCEPTED_RISK


@dataclass(frozen=True, slots=True)
class BoxOpening:
    """The minute of opening one ballot box: what was counted, and who opened it, scanned and reviewed.

    ``handle_procedures`` are those who handle the unit's procedures: none of them may be among the others.
    """

    box: str
    seal: str
    opened: str  # ISO date
    batch: BatchName  # as which its ballots are scanned
    issued: int  # ballots given out; of them unused came back, spoiled were replaced
    unused: int
    spoiled: int
    taken_out: int
    opened_by: tuple[str, ...]
    scanned_by: tuple[str, ...]
    reviewed_by: tuple[str, ...]
    handle_procedures: tuple[str, ...]
    unit: str = ""
    place: str = ""
    note: str = ""

    @property
    def not_returned(self) -> int:
        """Ballots given out and not accounted for; below 0: there are more than were given out."""
        return self.issued - self.unused - self.spoiled - self.taken_out


@dataclass(frozen=True, slots=True)
class BatchWarning:
    """Something that many pages of a batch show together, and the page on which it became plain."""

    kind: WarningKind
    file: str
    page: int
    place: str  # where on the page or form, in words of no language; empty for the whole side
    now: float
    usual: float  # what it was before, or the limit


@dataclass(frozen=True, slots=True)
class Balance:
    """Where every page and every sheet of a batch went; the two equations of the house."""

    pages_in: int
    pages_on_sheets: int
    pages_non_ballot: int
    pages_repeat: int
    pages_set_aside: int
    sheets: int
    sheets_read: int
    sheets_review: int
    sheets_void: int
    sheets_set_aside: int
    sheets_incomplete: int
    sheets_again: int = 0  # of the void ones, those whose paper is another sheet too

    @property
    def sheets_by_state(self) -> dict[str, int]:
        """Sheets by the name of their state, in the order in which the record and the tally name them."""
        states = ("read", "review", "void", "set_aside", "incomplete")
        return {state: getattr(self, f"sheets_{state}") for state in states}

    @property
    def papers(self) -> int:
        """How many sheets of paper came in: what a count by hand must come to."""
        return self.sheets - self.sheets_again

    @property
    def holds(self) -> bool:
        pages = self.pages_on_sheets + self.pages_non_ballot + self.pages_repeat + self.pages_set_aside
        settled = self.sheets_read + self.sheets_review + self.sheets_void
        sheets = settled + self.sheets_set_aside + self.sheets_incomplete
        return self.pages_in == pages and self.sheets == sheets


@dataclass(frozen=True, slots=True)
class ScannerMeasures:
    """What a scan of the test deck's charts tells of a scanner. Grey levels run from 0 to 255.

    Places of streaks count from the left edge of the scan.
    """

    bitonal: bool
    dpi_tag: float | None  # what the file claims
    jpeg_quality: int | None  # IJG scale, from the file's own tables; None where there are none
    dpi_x: float  # pixels per printed inch
    dpi_y: float
    skew_deg: float
    shear_deg: float  # the angle between the print's axes, less 90
    feed_mm: float  # how far any cross lies off an even grid: paper slipping, speed wobbling
    white: float  # level of the paper where the lamp is brightest
    black: float  # and of solid black; this and what follows as if the lamp were as bright everywhere
    gamma: float  # exponent from printed to scanned light: 1 even, above 1 darker, below 1 paler
    steps: tuple[tuple[float, float], ...]  # printed grey (of white), level
    colours: tuple[tuple[str, float], ...]  # ink, its darkness: 0 paper, 1 solid black
    lamp: tuple[float, ...]  # level of the paper every 10 mm across, 1 the brightest
    lamp_loss: float  # share of light lost at the darkest place
    noise: float  # levels, one standard deviation on paper
    edge_x_mm: float  # distance over which an edge rises from 10 to 90 %, across the scan and along it
    edge_y_mm: float
    lines: tuple[tuple[float, float], ...]  # width in mm, contrast left of lines that wide (0 to 1)
    dark_streaks_mm: tuple[float, ...]
    bright_streaks_mm: tuple[float, ...]
    dots_lost: int  # tiny dots on paper that are not in the scan
    dots: int
    holes_lost: int  # tiny holes in black that are not in the scan
    holes: int


@dataclass(frozen=True, slots=True)
class KnownMarks:
    """How the deck's marks of known truth were read, in questions."""

    plain: int  # plain marks and blanks of an ordinary pen, at hand
    plain_asked: int  # of these, sent to a person
    hard: int  # fills, pale lines, dots and double marks, at hand
    hard_asked: int
    wrong: tuple[str, ...]  # accepted, and not what is printed
