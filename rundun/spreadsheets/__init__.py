"""Spreadsheets: files of XLSX read in a process of their own."""
