"""Fair shares of a few places among owners (dynamic thresholds, Choudhury and Hahne 1998)."""


def owner_limit(capacity: int, taken: int) -> int:
    """Return the most places that an owner may take while `taken` of `capacity` are taken: as many as are free. An
    owner alone gets half of the places, two get a third each, and a new owner finds a free place as long as there are
    fewer owners than places.
    """
    return capacity - taken
