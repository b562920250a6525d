"""Commands about runs: dispatch, tables, and a run as lines."""
