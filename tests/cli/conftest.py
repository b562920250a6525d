"""What the tests of the command line share."""

from tests.helpers.console.office import office as office
