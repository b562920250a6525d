"""Requests on their way in and answers on their way out. It knows nobody who asks."""
