"""/console: today's numbers of the organization, and a chart of the runs of the last 30 days."""

from datetime import timedelta
from functools import partial

from starlette.responses import Response

from rundun.actions import overview as actions
from rundun.web.console import chart
from rundun.web.console.dispatch.due import due_choices
from rundun.web.console.runs.rows import flag_photos, heading, moment
from rundun.web.console.session import ConsoleCall
from rundun.wording.answer_words import answer_line
from rundun.wording.console_words import format_count

DAYS = 30
WIDTH, HEIGHT = 720, 160  # of the chart, in its own units


async def overview(call: ConsoleCall) -> Response:
    """GET /console: show the runs and deliveries that call for attention, today's runs, and a chart of `DAYS` days."""
    days = call.zone.days_back(call.now, DAYS)
    begins = [call.zone.day_begins(day) for day in [*days, days[-1] + timedelta(days=1)]]

    def show(numbers: actions.Overview) -> Response:
        return call.page(
            "overview",
            numbers=numbers,
            moment=partial(moment, call),
            say_answer=partial(answer_line, language=call.language, zone=call.zone),
            flag_photos=partial(flag_photos, call),
            heading=heading,
            dues=due_choices(call),
            counted=partial(format_count, call.language),
            clock=call.zone.clock(call.now),
            day=days[-1].isoformat(),
            count_of_days=DAYS,
            zone=call.organization.time_zone,
            days=[call.zone.day(day) for day in days],
            chart=chart.bars([numbers.dispatched, numbers.done], WIDTH, HEIGHT),
            size=(WIDTH, HEIGHT),
        )

    return await call.read_and(show, actions.get, begins, call.language.tag)
