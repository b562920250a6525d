"""The pages of the console's settings, one file per page."""
