"""What the tests of words share: the console's sign-in."""

from tests.web.console.conftest import passwords_are_hashed_in_no_time as passwords_are_hashed_in_no_time
