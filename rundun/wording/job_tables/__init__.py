"""Tables of jobs: reading them with all wrong cells reported, and writing them for spreadsheets."""
