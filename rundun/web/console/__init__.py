"""/console: the operators' pages. `routes.py` lists them all."""
