"""Organizations, operators, API keys, quotas and statistics. It imports nothing of runs."""
