"""What the tests of maintenance share: an office at the command line."""

from tests.helpers.console.office import office as office
