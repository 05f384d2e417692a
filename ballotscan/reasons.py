"""What a person can do about each reason. What a reason *means* is said by ``i18n.reason_text``.

One table, so that screen, exports and pages give the same advice.
"""

from __future__ import annotations

from ballotscan.i18n import gettext as _
from ballotscan.i18n import reason_text
from ballotscan.model import Reason

__all__ = ["advice", "explain"]


def explain(reason: Reason) -> str:
    """One sentence: what is wrong, and what to do. In the language in use."""
    text = reason_text(reason)
    return f"{text[:1].upper()}{text[1:]}. {advice(reason)}"


def advice(reason: Reason) -> str:
    """What to do about it, as a sentence, in the language in use."""
    return _advice()[reason]


def _advice() -> dict[Reason, str]:
    scan_page_again = _("Scan this page again.")
    scan_sheet_again = _("Find the sheet and scan both of its sides again.")
    look = _("Look at the sheet and decide: export review, then import rulings.")
    scan_or_look = _("Look at the sheet and decide, or scan it again more clearly.")
    return {
        Reason.EMPTY_FILE: _("Scan these sheets again."),
        Reason.DAMAGED_FILE: _("Copy the file from the scanner again, or scan these sheets again."),
        Reason.ENCRYPTED: _("Save it without a password and scan the folder again."),
        Reason.UNSUPPORTED_TYPE: _("Save the scans as PDF, TIFF, JPEG or PNG."),
        Reason.NO_PAGES: _("Scan these sheets again."),
        Reason.TOO_MANY_PAGES: _("Scan in smaller stacks."),
        Reason.ACTIVE_CONTENT: _("Use the file as the scanner made it."),
        Reason.STILL_WRITTEN: _("Wait until the scanner is done, then run the command again."),
        Reason.NOT_A_FILE: _("Put the scans themselves into the folder, not links to them."),
        Reason.DAMAGED_IMAGE: scan_page_again,
        Reason.CUT_OFF: scan_page_again,
        Reason.TOO_LARGE: _("Scan this page again at 200 to 300 dpi."),
        Reason.TOO_COARSE: _("Scan this page again at 200 to 300 dpi."),
        Reason.DRAWN_ON: _("Use the file as the scanner made it, without notes or drawings."),
        Reason.NOT_A_SCAN: _("Scan the paper itself."),
        Reason.UNSUPPORTED_IMAGE: _("Save the scan as PDF, TIFF, JPEG or PNG in grey."),
        Reason.TIME_LIMIT: _("Run the command again; if it stays so, scan this page again."),
        Reason.RESOURCE_LIMIT: _(
            "Run the command again with fewer workers; if it stays so, scan this page again."
        ),
        Reason.BLANK_PAGE: _("Nothing to do, if no ballot was fed in face down on a one-sided scanner."),
        Reason.NOT_THIS_FORM: _(
            "If it is a ballot, name its form with --template and run the command again."
        ),
        Reason.OTHER_EDITION: _("Add that edition of the form and name it with --template."),
        Reason.MIRRORED: _("Turn mirroring off in the scanner and scan this page again."),
        Reason.POOR_FIT: _("Smooth the sheet out and scan this page again."),
        Reason.REPEAT: _("Nothing to do: it was counted once."),
        Reason.SIDE_MISSING: scan_sheet_again,
        Reason.SIDE_DOUBLED: scan_sheet_again,
        Reason.SIDE_UNREADABLE: scan_sheet_again,
        Reason.SERIALS_DIFFER: _("Two sheets went through the scanner together: scan both again."),
        Reason.DUPLICATE: _("Compare it with the sheet that was there before, then decide."),
        Reason.TITLE_DIFFERS: _("Check that the sheet is of this form and edition, then decide."),
        Reason.FIELD_DIFFERS: _("Check that the sheet is of this form and edition, then decide."),
        Reason.SEVERAL_MARKS: look,
        Reason.FAINT: scan_or_look,
        Reason.CORRECTED: look,
        Reason.UNUSUAL_MARK: look,
        Reason.STRAY_INK: look,
        Reason.OUTLINE_LOST: scan_or_look,
        Reason.OUTSIDE_IMAGE: scan_or_look,
        Reason.COVERED: scan_or_look,
        Reason.BITONAL_BLANK: _("Look at the sheet and decide, or scan it again in grey."),
        Reason.LOW_CONFIDENCE: look,
        Reason.LINH_VUC_CONFLICT: _("Check in which box the sheet lay, then decide."),
    }
