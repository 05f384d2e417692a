"""A seeded simulator of printing, pens, hands, paper and scanner, for the tests and the samples."""

from tests.simulator.sheets import AnswerTruth, ScannedSide, SheetTruth, SimulatedSheet, simulate_sheet

__all__ = ["AnswerTruth", "ScannedSide", "SheetTruth", "SimulatedSheet", "simulate_sheet"]
