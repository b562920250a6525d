"""Templates in versions, and the pictures that they show. It reads no runs."""
