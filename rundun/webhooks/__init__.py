"""Deliveries on their way: what is sent when, to which address, and the one signed POST."""
