"""Decisions to rows: one append-only ledger, the tables projected from it, and the files people work with."""
