"""Files to pages: opened strictly, one page of pixels at a time."""

from ballotscan.intake.faults import FileFault, PageFault

__all__ = ["FileFault", "PageFault"]
