"""Commands for organizations: `orgs …`."""

import click

from rundun.actions.organizations import organizations
from rundun.cli.completion import ORG
from rundun.cli.context import run_reading, run_writing, with_output, with_settings
from rundun.cli.erasure.retention import orgs_retention
from rundun.cli.terminal import Output, listing, print_line
from rundun.config.settings import ServiceSettings
from rundun.core.json_types.runs import OrganizationJson
from rundun.maintenance import diagnostics
from rundun.store.organizations import organizations as organization_rows
from rundun.store.organizations.quotas import StorageUse
from rundun.store.sqlite.transaction import Tx

orgs = click.Group("orgs", help="Organizations.", commands=[orgs_retention])


@orgs.command("create")
@click.argument("name")
@with_output
def orgs_create(settings: ServiceSettings, name: str) -> Output:
    """Make an organization and print its id."""
    org_id = run_writing(settings, "orgs create", name=name)
    return Output(run_reading(settings, lambda tx: organizations.organization_json(tx, org_id)), [org_id])


@orgs.command("list")
@with_output
def orgs_list(settings: ServiceSettings) -> Output:
    """List the organizations with their credits and the bytes they store."""
    data, rows = run_reading(settings, _list_json), []
    for org in data:
        use = diagnostics.storage(StorageUse(org["id"], org["bytes_used"], org["bytes_quota"]))
        rows.append((org["id"], _credits_text(org["credits"]), org["name"], org["contact"] or "–", use))
    heading = ("ORGANIZATION", "CREDITS", "NAME", "CONTACT", "STORED")
    return listing({"data": data}, rows, heading=heading, nothing="No organizations.")


def _list_json(tx: Tx) -> list[OrganizationJson]:
    return [organizations.organization_json(tx, org.org_id) for org in organization_rows.list_all(tx)]


def _credits_text(balance: int | None) -> str:
    return "unlimited" if balance is None else str(balance)


@orgs.command("credits")
@click.argument("org", type=ORG)
@click.option("--add", type=int, help="Credits to add; an unlimited organization then has just these.")
@click.option("--unlimited", is_flag=True, help="No limit from now on.")
@with_output
def orgs_credits(settings: ServiceSettings, org: str, add: int | None, unlimited: bool) -> Output:
    """Give credits, and print the new balance."""
    if (add is None) != unlimited:
        raise click.UsageError("Say either --add N or --unlimited.")
    balance = run_writing(settings, "orgs credits", org=org, amount=add)
    return Output({"credits": balance}, [_credits_text(balance)])


@orgs.command("quota")
@click.argument("org", type=ORG)
@click.option("--mebibytes", type=click.IntRange(1), help="How many MiB may be stored.")
@click.option("--unlimited", is_flag=True, help="No limit from now on.")
@click.option("--default", is_flag=True, help="Use limits.organization_mebibytes again.")
@with_output
def orgs_quota(settings: ServiceSettings, org: str, mebibytes: int | None, unlimited: bool, default: bool) -> Output:
    """Set how much an organization may store; print what it uses, and its quota."""
    chosen = [mebibytes is not None, unlimited, default].count(True)
    if chosen > 1:
        raise click.UsageError("Say one of --mebibytes N, --unlimited and --default, or none to see the quota.")
    if chosen:
        used, quota = run_writing(settings, "orgs quota", org=org, mebibytes=0 if unlimited else mebibytes)
        use = StorageUse(org, used, quota)
    else:
        use = run_reading(settings, lambda tx: organizations.get_storage_use(tx, org))
    return Output({"bytes_used": use.used, "bytes_quota": use.quota}, [diagnostics.storage(use)])


@orgs.command("contact")
@click.argument("org", type=ORG)
@click.argument("text")
@with_settings
def orgs_contact(settings: ServiceSettings, org: str, text: str) -> None:
    """Set the text that tells executors how to reach the organization."""
    run_writing(settings, "orgs contact", org=org, contact=text)
    told, text = f"how to reach {org}", text.strip()
    print_line(f"Executors are told {told}: {text}" if text else f"Executors are not told any more {told}.")
