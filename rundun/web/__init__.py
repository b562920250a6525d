"""HTTP: the API, the pages of executor and console, the documentation. Only this folder uses Starlette and Jinja2."""
