"""Work of an administrator: commands beside the service, and the keys they made."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from click.testing import Result

from tests.crash.clients import Client, kind
from tests.crash.ledger import Key, WrongAnswer
from tests.helpers.processes.service_process import rundun

UNKNOWN = "The service did not answer"  # whether it was done


async def _command(client: Client, *arguments: str) -> Result:
    """Run a command in a thread, one after the other, since each has the standard output to itself."""
    async with client.life.command_line:
        return await asyncio.to_thread(rundun, client.life.folder, *arguments)


def _was_done(result: Result) -> bool | None:
    """Tell whether a command was done, None where nobody knows."""
    if result.exit_code == 0:
        return True
    if UNKNOWN in result.stderr:
        return None
    if "is ending" in result.stderr or "does not listen" in result.stderr:
        return False
    raise WrongAnswer(f"the command line said {result.output}")


@kind(1)
async def give_credits(client: Client) -> None:
    """Give an organization credits."""
    organization, amount = client.organization, client.rng.randrange(1, 10**6)
    organization.asked.append(amount)
    done = _was_done(await _command(client, "orgs", "credits", organization.name, "--add", str(amount)))
    if done is not None:
        organization.asked.remove(amount)
        organization.given += amount * done


@kind(1)
async def create_key(client: Client) -> None:
    """Create an API key."""
    key = Key(client.ledger.name("key"))
    client.organization.keys.append(key)
    result = await _command(client, "keys", "create", "--org", client.organization.name, "--name", key.name)
    if _was_done(result):
        key.secret = result.stdout.strip()
        listed = await _command(client, "keys", "list")
        key.key_id = next(line.split()[0] for line in listed.stdout.splitlines() if line.endswith(f"  {key.name}"))


@kind(1)
async def revoke_key(client: Client) -> None:
    """Revoke a key that was in use a moment ago: from the answer on it opens nothing."""
    usable = [key for key in client.organization.keys if key.key_id and not key.may_be_revoked]
    if usable:
        key = client.rng.choice(usable)
        await _use(client, key)
        key.may_be_revoked = True
        key.is_revoked = bool(_was_done(await _command(client, "keys", "revoke", key.key_id)))
        await _use(client, key)


@kind(1)
async def back_up(client: Client) -> None:
    """Make a backup: all that was told before it began is in it, whatever is written or killed meanwhile."""
    told = [run.run_id for run in client.ledger.runs()]
    target = client.life.folder / client.ledger.name("backup")
    result = await _command(client, "backup", str(target))
    if result.exit_code:
        raise WrongAnswer(f"the command line said {result.output}")
    await asyncio.to_thread(_look_into, target, told)
    target.unlink()


def _look_into(backup: Path, told: list[str]) -> None:
    with closing(sqlite3.connect(f"{backup.as_uri()}?mode=ro", uri=True)) as db:
        if (found := db.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            raise WrongAnswer(f"a backup is damaged: {found}")
        missing = {*told} - {row[0] for row in db.execute("SELECT id FROM runs").fetchall()}
        if missing:
            raise WrongAnswer(f"a backup lacks {missing}")


@kind(2)
async def use_key(client: Client) -> None:
    """Use a key that the command line made."""
    made = [key for key in client.organization.keys if key.secret]
    if made:
        await _use(client, client.rng.choice(made))


async def _use(client: Client, key: Key) -> None:
    was_revoked = key.is_revoked
    response = await client.http.get("/v1/organization", headers={"authorization": f"Bearer {key.secret}"})
    client.unless_ending(response)
    if response.status_code != 200 and not (response.status_code == 401 and key.may_be_revoked):
        raise WrongAnswer(f"{key.name} was answered {response.status_code}")
    if response.status_code == 200 and was_revoked:
        raise WrongAnswer(f"{key.name} is revoked, and still opens something")
