"""What executors read of how long all is kept, before they start."""

from typing import Any

import pytest

from rundun.actions import retention
from rundun.core.retention import TemplateRetention
from tests.helpers.retention import keep, template
from tests.helpers.service import World

NINETY = {"runs_days": 90}


@pytest.mark.parametrize(
    ("of_all", "own", "language", "sentences"),
    [
        ({}, {}, "en", []),
        (NINETY, {}, "en", ["Kept for 90 days."]),
        ({"runs_days": 1}, {}, "en", ["Kept for 1 day."]),
        ({"photos_days": 30}, {}, "en", ["Photos are kept for 30 days."]),
        ({"photos_days": 30, "runs_days": 30}, {}, "en", ["Kept for 30 days."]),
        (NINETY, {"photos_days": 7}, "en", ["Kept for 90 days.", "Photos are kept for 7 days."]),
        (NINETY, {"runs_days": 0}, "en", []),
        ({**NINETY, "tells": False}, {}, "en", []),
        (NINETY, {}, "es", ["Se conserva 90 días."]),
        (NINETY, {}, "fr", ["Conservé 90 jours."]),
        (NINETY, {}, "de", ["90 Tage gespeichert."]),
        (NINETY, {}, "pt", ["Guardado por 90 dias."]),
        ({"runs_days": 2}, {}, "ar", ["يُحفظ لمدة يومين."]),
    ],
)
async def test_the_start_page_says_how_long_all_is_kept(
    w: World, of_all: dict[str, Any], own: dict[str, Any], language: str, sentences: list[str]
) -> None:
    template_id = await template(w)
    await keep(w, **of_all)
    await w.database.write(retention.put_of_template, w.acme_id, template_id, TemplateRetention(**own))
    ed = await w.dispatch(template_id)
    page = (await ed.call("GET", f"?lang={language}")).text
    note = page.partition('<p class="soft small centred">')[2].partition("</p>")[0]
    assert note.partition(".")[2].strip() == " ".join(sentences)
    await ed.start()
    assert not sentences or sentences[0] not in (await ed.call("GET", f"?lang={language}")).text
