"""Commands about webhooks: what became of them, sending them again, and what signs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import Exit, stop_for
from filmgate.adapters.cli.follow import complaints
from filmgate.adapters.cli.prompts import confirm
from filmgate.adapters.cli.tables import caption
from filmgate.adapters.cli.tables import show as show_list
from filmgate.domain.webhooks import WebhookStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filmgate.client import Delivery, Webhook, WebhookSecret

commands = typer.Typer(help="List webhooks with their deliveries, and send them again.", rich_markup_mode=None)
secrets = typer.Typer(help="Show and rotate the secrets that sign webhooks.", rich_markup_mode=None)
commands.add_typer(secrets, name="secret")

_WHICH = "A webhook, or a task: then its newest webhook is meant."
Id = Annotated[str, typer.Argument(metavar="ID", help=_WHICH, show_default=False)]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help=_WHICH, show_default=False)]


@commands.command("list")
def list_webhooks(
    task: Annotated[
        str | None, typer.Option("--task", metavar="ID", help="Show only the webhooks of this task.")
    ] = None,
    status: Annotated[
        WebhookStatus | None, typer.Option("--status", help="Show only webhooks with this status. Default: all.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The number of webhooks to show, at most.")] = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, help="The number of newest webhooks to skip.")] = 0,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """List webhooks, the newest first.

    In a terminal this is a table, else one webhook per line with tabs between the fields.
    """
    with options.service(url, key) as filmgate:
        page = filmgate.webhooks(task=task, status=status, limit=limit, offset=offset)
    if as_json:
        output.emit(page)
    else:
        head = ("id", "status", "tries", "next", "answer", "trouble")
        show_list(head, map(_row, page.webhooks), cut="trouble", caption=caption(len(page.webhooks), page.total))
    return Exit.DONE


@commands.command()
def show(webhook_id: Id, url: options.Url = None, key: options.Key = None, as_json: options.Json = False) -> int:
    """Show the deliveries of a webhook.

    Deliveries are kept for 30 days, the newest 50 of each webhook.
    """
    with options.service(url, key) as filmgate:
        webhook = filmgate.webhook(webhook_id)
    if as_json:
        output.emit(webhook)
        return Exit.DONE
    facts: list[tuple[str, object]] = [
        ("task", webhook.task_id),
        ("state", webhook.state),
        ("status", webhook.status),
        ("address", webhook.url),
        ("created", webhook.created_at),
        ("next", webhook.next_at),
        ("trouble", webhook.trouble),
    ]
    print(f"{webhook.id}\n{output.lines([*facts, *map(_outcome_row, webhook.deliveries)])}")
    return Exit.DONE


@commands.command()
def resend(webhook_ids: Ids, url: options.Url = None, key: options.Key = None, as_json: options.Json = False) -> int:
    """Send webhooks again, delivered or not.

    They are sent at once, under the same ids and signed anew, and are tried for three days if need be.
    """
    from filmgate.client import FilmgateClientError

    sent, refused = [], []
    with options.service(url, key) as filmgate:
        for webhook_id in webhook_ids:
            try:
                sent.append(filmgate.resend_webhook(webhook_id))
            except FilmgateClientError as error:
                if error.status not in (404, 409):
                    raise
                error.message = f"{webhook_id}: {error.message}"
                refused.append(stop_for(error))
    if as_json and (sent or len(webhook_ids) > 1):
        output.emit({"webhooks": sent})
    elif not as_json:
        for webhook in sent:
            print(f"{webhook.id} is sent again")
    return complaints(refused, as_json=as_json)


@secrets.command("show")
def show_secrets(url: options.Url = None, key: options.Key = None, as_json: options.Json = False) -> int:
    """Show the secret that signs the webhooks of the key's application.

    For a day after a rotation the earlier one is there too, with the time of its end behind a tab.
    """
    with options.service(url, key) as filmgate:
        found = filmgate.webhook_secrets()
    return _print(found, as_json=as_json)


@secrets.command()
def rotate(
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Stop signing with the earlier secret at once, because it has leaked.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Rotate the signing secret and print the secrets in use.

    For 24 hours each delivery has a second signature by the earlier secret, so that receivers can change over in that
    time. With --at-once it has none, and this asks for confirmation unless --yes is given.
    """
    if at_once and not yes:
        confirm("Receivers refuse webhooks until they know the new secret. Rotate at once?", "Nothing was rotated.")
    with options.service(url, key) as filmgate:
        found = filmgate.rotate_webhook_secret(at_once=at_once)
    return _print(found, as_json=as_json)


def _print(found: Iterable[WebhookSecret], *, as_json: bool) -> int:
    if as_json:
        output.emit({"secrets": list(found)})
    else:
        for each in found:
            print(each.secret if each.ends_at is None else f"{each.secret}\tuntil {each.ends_at}")
    return Exit.DONE


def _row(webhook: Webhook) -> tuple[str, ...]:
    answer = "-" if webhook.answer is None else str(webhook.answer)
    return webhook.id, webhook.status, str(webhook.tries), webhook.next_at or "-", answer, webhook.trouble or ""


def _outcome_row(delivery: Delivery) -> tuple[str, object]:
    said = "no answer" if delivery.answer is None else f"answered {delivery.answer}"
    return "delivery", f"{delivery.at}  {said} after {delivery.seconds:.1f} s  {delivery.trouble or ''}".rstrip()
