"""What is erased and what is due to be, what is left of it in the file, and the journal of it."""
