"""Fair shares of a few places among owners (dynamic thresholds, Choudhury and Hahne 1998)."""


def owner_limit(capacity: int, taken: int) -> int:
    """Return how many places one owner may hold while all owners together hold `taken` of `capacity`: as many as are
    left. An owner alone takes half of the places and leaves half, two take a third each, and while there are fewer such
    owners than places, a new owner finds one free.
    """
    return capacity - taken
