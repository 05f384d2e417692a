"""ballotscan: reads scanned paper survey ballots and tallies them."""

__version__ = "0.1.0"

ENGINE = "reader-3"
"""Name of the way of reading. It changes whenever a reading could change, and is kept with each reading."""
