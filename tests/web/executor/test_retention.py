"""What executors read of how long all is kept, before they start."""

from typing import Any

import pytest

from rundun.actions.erasure import retention
from rundun.core.erasure.retention import TemplateRetention
from tests.helpers.retention import keep, template
from tests.helpers.service import World

NINETY = {"runs_days": 90}


@pytest.mark.parametrize(
    ("of_all", "own", "language", "sentences"),
    [
        ({}, {}, "en", []),
        (NINETY, {}, "en", ["All you enter is kept for 90 days after the end."]),
        ({"runs_days": 1}, {}, "en", ["All you enter is kept for 1 day after the end."]),
        ({"photos_days": 30}, {}, "en", ["Photos are kept for 30 days after the end."]),
        ({"photos_days": 30, "runs_days": 30}, {}, "en", ["All you enter is kept for 30 days after the end."]),
        (
            NINETY,
            {"photos_days": 7},
            "en",
            ["All you enter is kept for 90 days after the end.", "Photos are kept for 7 days after the end."],
        ),
        (NINETY, {"runs_days": 0}, "en", []),
        ({**NINETY, "tells": False}, {}, "en", []),
        (NINETY, {}, "es", ["Todo lo que introduzca se conserva 90 días tras el final."]),
        (NINETY, {}, "fr", ["Tout ce que vous saisissez est conservé 90 jours après la fin."]),
        (NINETY, {}, "de", ["Alle Ihre Angaben bleiben nach dem Ende 90 Tage gespeichert."]),
        (NINETY, {}, "pt", ["Tudo o que você informar é guardado por 90 dias após o fim."]),
        ({"runs_days": 2}, {}, "ar", ["يُحفظ كل ما تُدخله لمدة يومين بعد الانتهاء."]),
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
