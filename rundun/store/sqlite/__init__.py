"""The database file, its connections and transactions, the base of all other folders of the store."""
