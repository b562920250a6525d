"""Who is asking: the only Starlette and Jinja2."""
