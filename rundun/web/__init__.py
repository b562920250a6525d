"""HTTP: the API, the executor's and the console's pages, the documentation. The only Starlette and Jinja2."""
