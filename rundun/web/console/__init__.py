"""/console: the pages of operators; `routes.py` has them all."""
