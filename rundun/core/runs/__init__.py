"""Runs: their life, job, answers and evidence, their record and events."""
