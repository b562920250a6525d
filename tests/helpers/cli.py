"""What the command line prints."""

import re

from tests.helpers.service import BOOLEAN

CHECK = {"name": "Check", "steps": [BOOLEAN]}
KEY = re.compile(r"rdk_live_[A-Za-z0-9]{32}")
ORG, KEY_ID, TEMPLATE = (re.compile(rf"{prefix}-[0-9a-f-]{{36}}") for prefix in ("org", "key", "t"))
FIRST = "My organization"
HANDED_OVER = " command command="  # a line of the service: it did what a command asked
