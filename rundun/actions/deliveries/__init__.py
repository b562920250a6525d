"""What comes of attempts to deliver, and who is told of failures. It imports no action on runs."""
