"""What several test files use: nothing in here is a test."""
