"""Erasure and retention: removal of rows, overwriting of their remains in the file, and the erasure journal."""
