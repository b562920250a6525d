"""What others install, run where they do: `make packages`."""
