"""Templates with their versions and pictures. It reads no runs."""
