"""The executor's page in engines other than Chromium's."""
