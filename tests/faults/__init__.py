"""A test for each fault of /docs/faults, under the name of its heading; no others."""
