"""What the tests of the command line share."""

from tests.helpers.office import office as office
