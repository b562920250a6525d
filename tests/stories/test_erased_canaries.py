"""Half of many runs, each with a canary in every field and picture, is erased: nothing of it is left on the disk, and
nothing either after a restore of a backup from before.
"""

import random
import re
import shutil
from pathlib import Path

import pytest

from rundun.scheduler import SPARE_PAGES, clear_up, index_runs
from rundun.store import housekeeping
from tests.helpers.canaries import STEPS, TEMPLATE, bytes_on_disk, overwrite, with_canary
from tests.helpers.files.restoring import back_up, restored
from tests.helpers.files.storage import used
from tests.helpers.service import Receiver, World

# Of a run stay its row and `run.erased`, and pages in which rows of others lie between its own stay half empty until
# others come. A picture of this side takes 350 KB with what is shown of it, as a phone's smaller ones do.
SIDE = 420


@pytest.mark.parametrize("count", [pytest.param(1000, marks=pytest.mark.soak), 20])
@pytest.mark.timeout(1200)
async def test_no_byte_of_what_was_erased_is_left(w: World, receiver: Receiver, tmp_path: Path, count: int) -> None:
    chance = random.Random(count)
    template_id = await w.template(*STEPS, **TEMPLATE)
    empty = await used(w), await size(w)
    hook = {"url": receiver.url, "events": ["*", "run.started", "run.erased"]}
    runs = {}
    for number in range(count):
        ed = await with_canary(w, template_id, f"canary-{number:04}-", hook, SIDE)
        if number % 3:
            assert (await ed.complete()).status_code == 200  # else it is erased while it is open
        runs[number] = ed
        if number % 7 == 0:
            await w.deliver()
    await w.deliver()
    await clear_up(w.database)
    await index_runs(w.database)
    full = await used(w), await size(w)
    assert found(await bytes_on_disk(w)) == set(runs)
    copy = back_up(w)

    gone = set(chance.sample(range(count), count // 2))
    for number in chance.sample(sorted(gone), len(gone)):
        assert (await w.acme.delete(f"/v1/runs/{runs[number].run_id}")).status_code == 204
    await w.deliver()
    await overwrite(w)
    await clear_up(w.database)
    await overwrite(w)
    assert found(await bytes_on_disk(w)) == set(runs) - gone
    left = await used(w), await size(w)
    for before, after, nothing in zip(full, left, empty, strict=True):
        share = (before - after) / ((before - nothing) / 2)
        assert share >= 0.95 or count < 1000, "what is given back of what they took"
    await is_readable_to_the_end(w, {runs[number].run_id for number in gone})
    for number in set(runs) - gone:
        assert (await w.run(runs[number]))["answers"]["s-why"]["value"] == f"then canary-{number:04}-"

    shutil.copy(w.database.journal.path, copy.parent)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    async with restored(w, copy, elsewhere) as again:
        await again.deliver()
        await overwrite(again)
        assert found(await bytes_on_disk(again)) == set(runs) - gone


def found(content: bytes) -> set[int]:
    return {int(number) for number in re.findall(rb"canary-(\d{4})-", content)}


async def size(w: World) -> int:
    """Bytes of the file, without the few free pages that it keeps for what comes next."""
    await bytes_on_disk(w)
    free = await w.database.read(housekeeping.count_free_pages)
    assert free <= SPARE_PAGES
    return Path(w.settings.database.path).stat().st_size - free * housekeeping.PAGE


async def is_readable_to_the_end(w: World, gone: set[str]) -> None:
    after, told = "", list[tuple[str, str]]()
    while (page := (await w.acme.get(f"/v1/events?limit=100{after}")).json())["data"]:
        told += [(one["run_id"], one["event"]) for one in page["data"]]
        after = f"&after={page['next_cursor']}"
    assert sorted(one for one in told if one[0] in gone) == [(run_id, "run.erased") for run_id in sorted(gone)]
