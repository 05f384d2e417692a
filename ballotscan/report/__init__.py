"""Figures to paper: the official report, the notice, the web page, the workbook and open data."""
