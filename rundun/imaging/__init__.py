"""Pictures: what they are, what is derived from them, and the barcodes in them."""
