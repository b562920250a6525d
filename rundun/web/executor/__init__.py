"""The executor's side, what a phone opens and sends: /r."""
