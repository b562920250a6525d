"""Where events may go, when, and how they are signed. It knows nothing of runs."""
