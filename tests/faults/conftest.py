"""Whole scans with a reader that is told what is on each page, as in ``tests/cli/test_scan_stacks.py``, and
an office with a stored quarter and two keys, as in ``tests/cli/test_close.py``."""

from tests.cli.test_close import office, run
from tests.cli.test_scan_stacks import here, store

__all__ = ["here", "office", "run", "store"]
