"""PEOPLE: the auditors' pages, served on this computer."""
