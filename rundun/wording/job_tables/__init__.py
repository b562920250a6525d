"""Tables of jobs: read cell by cell, each wrong one named, and written for spreadsheets."""
