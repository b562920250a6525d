"""Sending of deliveries: the dispatcher, the check of each dialled address, and the one signed POST; alerts."""
