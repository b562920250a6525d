"""Pictures: their formats, the derived pictures, their EXIF, and the barcodes in them."""
