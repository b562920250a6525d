"""What is to go: how long things are kept, and whose runs are looked for."""
