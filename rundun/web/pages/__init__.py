"""HTML pages, scripts and styles, rendered and served. It imports no entry point."""
