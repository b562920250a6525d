"""What console, command line, report and archive say: runs, times, refusals, languages, tables. No requests."""
