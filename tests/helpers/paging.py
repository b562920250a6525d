"""Lists of the API, page by page."""

from typing import Any

from tests.helpers.service import World


async def walk(w: World, path: str, limit: int) -> list[Any]:
    """All of a list, page by page, following `Link`."""
    joint = "&" if "?" in path else "?"
    url, items = f"{path}{joint}limit={limit}", []
    while url:
        response = await w.acme.get(url)
        assert response.status_code == 200, response.text
        page = response.json()
        assert len(page["data"]) <= limit
        assert page["has_more"] == ("link" in response.headers) == (page["next_cursor"] is not None)
        items += page["data"]
        link = response.headers.get("link", "")
        assert not link or link.endswith('>; rel="next"')
        url = link[1 : link.index(">")] if link else ""
    return items
