"""The pages of runs: the list, one run, and what is done to them."""
