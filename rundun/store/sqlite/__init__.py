"""One file, one connection, one transaction: what all subjects of the store stand on. It imports none of them."""
