"""Erasing a person, for whoever asks for it, and which copies still hold what is erased."""
