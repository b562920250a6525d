"""What a run is: its life, its job, its answers and evidence, its record and its events."""
