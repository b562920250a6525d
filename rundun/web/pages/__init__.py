"""HTML pages, scripts and styles on their way out. It knows nobody who asks."""
