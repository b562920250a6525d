"""HTML pages, scripts and styles: rendering and serving them. It imports no entry point."""
