"""The console's languages, as the service has them."""

from rundun import paths
from rundun.web.console_words import ConsoleCatalogs

CATALOGS = ConsoleCatalogs(paths.locales())
SPANISH = CATALOGS.language(["es"])
