"""Dispatches, for whoever asks for one: their bodies read whole, and what stands in their way."""
