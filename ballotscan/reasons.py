"""What each reason means to people, and what they can do about it. Exports carry the bare code beside it."""

from __future__ import annotations

from ballotscan.i18n import gettext as _
from ballotscan.model import Reason


def reason_text(reason: Reason) -> str:
    """What is wrong, as half a sentence in the language in use."""
    return _texts()[reason]


def advice(reason: Reason) -> str:
    """What to do about it, as a sentence, in the language in use."""
    return _advice()[reason]


def _texts() -> dict[Reason, str]:
    return {
        Reason.EMPTY_FILE: _("the file is empty"),
        Reason.DAMAGED_FILE: _("the file is damaged"),
        Reason.ENCRYPTED: _("the file is protected by a password"),
        Reason.UNSUPPORTED_TYPE: _("the file is of a type that is not read"),
        Reason.NO_PAGES: _("the file has no pages"),
        Reason.TOO_MANY_PAGES: _("the file has too many pages"),
        Reason.ACTIVE_CONTENT: _("the file carries programs or attachments"),
        Reason.STILL_WRITTEN: _("the file is still being written"),
        Reason.NOT_A_FILE: _("this is not an ordinary file"),
        Reason.DAMAGED_IMAGE: _("the page's image is damaged"),
        Reason.CUT_OFF: _("the page's image is cut off"),
        Reason.TOO_LARGE: _("the page's image is too large"),
        Reason.TOO_COARSE: _("the page's image is too coarse to be read"),
        Reason.DRAWN_ON: _("something was drawn over the scan in software"),
        Reason.NOT_A_SCAN: _("the page is not a scan"),
        Reason.UNSUPPORTED_IMAGE: _("the page's image is of a kind that is not read"),
        Reason.TIME_LIMIT: _("reading took too long"),
        Reason.RESOURCE_LIMIT: _("reading needed too much memory"),
        Reason.BLANK_PAGE: _("the page is blank"),
        Reason.NOT_THIS_FORM: _("the page is of no form that was named"),
        Reason.OTHER_EDITION: _("the page is of another edition of the form"),
        Reason.MIRRORED: _("the page is mirrored"),
        Reason.POOR_FIT: _("the page's print does not fit the form well enough"),
        Reason.SEVERAL_SHEETS: _("there is more than one sheet on the image"),
        Reason.REPEAT: _("the same file was read before"),
        Reason.SIDE_MISSING: _("a side of the sheet is missing"),
        Reason.SIDE_DOUBLED: _("a side of the sheet is there twice"),
        Reason.SIDE_UNREADABLE: _("a side of the sheet could not be read"),
        Reason.SERIALS_DIFFER: _("the sides carry different serial numbers"),
        Reason.SIDES_UNSURE: _("its two sides may be of different sheets"),
        Reason.DUPLICATE: _("the sheet may have been scanned twice"),
        Reason.TITLE_DIFFERS: _("the printed title is not the form's"),
        Reason.FIELD_DIFFERS: _("a printed text is not the form's"),
        Reason.SEVERAL_MARKS: _("several boxes are marked"),
        Reason.FAINT: _("the mark is faint"),
        Reason.CORRECTED: _("the answer seems to have been corrected"),
        Reason.UNUSUAL_MARK: _("the mark is an unusual one"),
        Reason.STRAY_INK: _("there is ink that may not be a mark"),
        Reason.OUTLINE_LOST: _("a box was not found where it should be"),
        Reason.OUTSIDE_IMAGE: _("a box lies outside the image"),
        Reason.COVERED: _("a box is covered"),
        Reason.BITONAL_BLANK: _("a faint mark may be lost in black and white"),
        Reason.NOTHING_MARKED: _("nothing is marked on the whole sheet"),
        Reason.LOW_CONFIDENCE: _("the reading is not certain"),
        Reason.LINH_VUC_CONFLICT: _("the sheet's field of procedure is not the batch's"),
    }


def _advice() -> dict[Reason, str]:
    scan_page_again = _("Scan this page again.")
    scan_sheet_again = _("Find the sheet and scan both of its sides again.")
    look = _("Look at the sheet and decide, with 'ballotscan review'.")
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
        Reason.SEVERAL_SHEETS: _("Scan each sheet by itself."),
        Reason.POOR_FIT: _("Smooth the sheet out and scan this page again."),
        Reason.REPEAT: _("Nothing to do: it was counted once."),
        Reason.SIDE_MISSING: scan_sheet_again,
        Reason.SIDE_DOUBLED: scan_sheet_again,
        Reason.SIDE_UNREADABLE: scan_sheet_again,
        Reason.SERIALS_DIFFER: _("Two sheets went through the scanner together: scan both again."),
        Reason.SIDES_UNSURE: _(
            "Compare the hand and the pen of the sides, or the paper itself, then let the sheet count;"
            " if they are of two sheets, make it void and scan both again."
        ),
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
        Reason.NOTHING_MARKED: _(
            "Look at the paper itself: the scanner may not see that pen. Then decide, or scan it again."
        ),
        Reason.LOW_CONFIDENCE: look,
        Reason.LINH_VUC_CONFLICT: _("Check in which box the sheet lay, then decide."),
    }
