"""What comes of attempts to deliver, and who is told of failures. It knows nothing of execution."""
