"""A test for each row of the fault table, /docs/faults, under the name of the row; no others."""
