"""The tests. Hypothesis draws the same examples every time here; `make soak` draws others, and says which."""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("steady")
