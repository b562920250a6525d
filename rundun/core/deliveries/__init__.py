"""Where events may go, when, and how they are signed. It imports nothing of runs."""
