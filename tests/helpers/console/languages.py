"""The console's languages, as the service has them."""

from rundun import paths
from rundun.errors import Problem
from rundun.wording.console_words import ConsoleCatalogs
from rundun.wording.refusals import exact_reason, reason

CATALOGS = ConsoleCatalogs(paths.locales())
SPANISH = CATALOGS.language(["es"])


def is_told_in_spanish(problem: Problem) -> bool:
    """Tell whether there are words for just this refusal, beside those for all with its code."""
    return exact_reason(SPANISH, problem) not in (problem.detail, reason(SPANISH, problem))
