"""One file, one connection, one transaction: all that the subjects stand on. It knows none of them."""
