"""Spreadsheets: XLSX files, each read in a process of its own."""
