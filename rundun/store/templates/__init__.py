"""Templates in versions, and the pictures that they show. It knows nothing of runs."""
