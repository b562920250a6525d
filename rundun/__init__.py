"""Rundun: send a checklist as a link, get the answers back as signed webhooks."""

__version__ = "0.1.0"
