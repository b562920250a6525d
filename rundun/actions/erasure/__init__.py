"""What goes for good: by hand, by the days that are set, and again after a restore."""
