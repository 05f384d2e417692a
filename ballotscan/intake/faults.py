"""What may be wrong with a file or with one of its pages."""

from __future__ import annotations

from ballotscan.model import Reason


class FileFault(Exception):  # noqa: N818 (a fault is the word of the house)
    """The whole file cannot be taken as a stack of scans.

    ``reason`` is the fixed code; ``detail`` is a short technical text in English, kept with the evidence and
    the same in every language. It never carries what is written on a page.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class PageFault(Exception):  # noqa: N818
    """One page cannot be taken as a scan; the other pages of its file can. Fields as in ``FileFault``."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
