"""Commands about organizations: `orgs …`."""

import click

from rundun import diagnostics
from rundun.actions import organizations as organization_actions
from rundun.cli.context import common, run_reading, run_writing
from rundun.cli.retention import orgs_retention
from rundun.cli.terminal import say
from rundun.config.settings import ServiceSettings
from rundun.store import organizations, quotas
from rundun.store.quotas import StorageUse

orgs = click.Group("orgs", help="Organizations.", commands=[orgs_retention])


@orgs.command("create")
@click.argument("name")
@common
def orgs_create(settings: ServiceSettings, name: str) -> None:
    """Make an organization and print its id."""
    click.echo(run_writing(settings, "orgs create", name=name))


@orgs.command("list")
@common
def orgs_list(settings: ServiceSettings) -> None:
    """List the organizations with their credits and what they store."""
    rows, storage = run_reading(settings, lambda tx: (organizations.list_all(tx), quotas.list_all(tx)))
    uses = {use.org_id: diagnostics.storage(use) for use in storage}
    for org in rows:
        credits = "unlimited" if org.credits is None else str(org.credits)
        say("  ".join(filter(None, [org.org_id, credits, org.name, org.contact, uses[org.org_id]])))


@orgs.command("credits")
@click.argument("org")
@click.option("--add", type=int, help="Credits to add; an unlimited organization then has just these.")
@click.option("--unlimited", is_flag=True, help="No limit from now on.")
@common
def orgs_credits(settings: ServiceSettings, org: str, add: int | None, unlimited: bool) -> None:
    """Give credits, and print the new balance."""
    if (add is None) != unlimited:
        raise click.UsageError("Say either --add N or --unlimited.")
    balance = run_writing(settings, "orgs credits", org=org, amount=add)
    click.echo("unlimited" if balance is None else balance)


@orgs.command("quota")
@click.argument("org")
@click.option("--mebibytes", type=click.IntRange(1), help="How many MiB may be stored.")
@click.option("--unlimited", is_flag=True, help="No limit from now on.")
@click.option("--default", is_flag=True, help="Use limits.organization_mebibytes again.")
@common
def orgs_quota(settings: ServiceSettings, org: str, mebibytes: int | None, unlimited: bool, default: bool) -> None:
    """Set how much an organization may store; print what it uses, and its quota."""
    chosen = [mebibytes is not None, unlimited, default].count(True)
    if chosen > 1:
        raise click.UsageError("Say one of --mebibytes N, --unlimited and --default, or none to see the quota.")
    if chosen:
        used, quota = run_writing(settings, "orgs quota", org=org, mebibytes=0 if unlimited else mebibytes)
        use = StorageUse(org, used, quota)
    else:
        use = run_reading(settings, lambda tx: organization_actions.storage_use(tx, org))
    click.echo(diagnostics.storage(use))


@orgs.command("contact")
@click.argument("org")
@click.argument("text")
@common
def orgs_contact(settings: ServiceSettings, org: str, text: str) -> None:
    """Say how executors reach the organization."""
    run_writing(settings, "orgs contact", org=org, contact=text)
