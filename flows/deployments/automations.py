"""Automations of the Prefect server, and the blocks by which it reports failures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from prefect.blocks.core import Block
from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr, ValidationError

from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError

FILE = "automations.yaml"
WEBHOOK, EMAIL = "breathline", "breathline-email"


def save_blocks(webhook: str | None, email: str | None) -> Iterator[str]:
    """Save the notification blocks whose address is given, and yield a line for each; other blocks do not change.

    Args:
        webhook: URL that accepts ``{"title": …, "text": …}`` by POST, as Slack, Mattermost and others do.
        email: Apprise address, such as ``mailtos://user:password@smtp.example.org?from=a@example.org&to=b@example.org``.
    """
    if webhook is not None:
        if not webhook.startswith(("http://", "https://")):
            raise BreathlineError("The address of the webhook is not valid.", where="--webhook", hint="https://…")
        block: Block = CustomWebhookNotificationBlock(
            name="Breathline",
            url="{{url}}",
            # The address holds a token. The server encrypts a secret, and the UI does not show it.
            secrets=cast("Any", {"url": webhook}),
            headers=None,
            cookies=None,
            json_data={"title": "{{subject}}", "text": "*{{subject}}*\n{{body}}"},
        )
        yield _saved(block, WEBHOOK)
    if email is not None:
        # This block of Prefect takes any Apprise address and exists on every server. A block class of Breathline would
        # have to be installed wherever the server runs.
        yield _saved(SlackWebhook(url=SecretStr(_mail(email))), EMAIL)


def ensure(client: SyncPrefectClient, root: Path) -> Iterator[str]:
    """Create or update the project's automations, by name, and yield a line for each."""
    for written in read(root):
        name = written["name"]
        blocks = [action["block_document_id"] for action in written["actions"] if "block_document_id" in action]
        documents = {block: _document(client, block) for block in blocks}
        missing = [block for block, document in documents.items() if document is None]
        if missing:
            option = "--email" if missing[0].endswith(EMAIL) else "--webhook"
            yield f"automation {name}: not created, for the block {missing[0]} is missing ({option})"
            continue
        automation = core(written, documents)
        found = client.read_automations_by_name(name)
        if found:
            # An automation that was switched off in the UI stays off.
            client.update_automation(found[0].id, automation.model_copy(update={"enabled": found[0].enabled}))
            yield f"automation {name}: {'up to date' if found[0].enabled else 'up to date, switched off'}"
        else:
            client.create_automation(automation)
            yield f"automation {name}: created"


def read(root: Path) -> list[dict[str, Any]]:
    """Return the automations in the project's file."""
    found = yaml_files.load(root / FILE)
    if not isinstance(found, list):
        hint = "each automation begins with `- name:`"
        raise BreathlineError("The file holds no list of automations.", where=root / FILE, hint=hint)
    return found


def core(written: Mapping[str, Any], documents: Mapping[str, str | None]) -> AutomationCore:
    """Return an automation of the file for the server, with the id of each block that it names."""
    actions = [
        action | {"block_document_id": documents[action["block_document_id"]]}
        if "block_document_id" in action
        else action
        for action in written["actions"]
    ]
    try:
        return AutomationCore.model_validate({**written, "actions": actions})
    except ValidationError as error:
        where = f"{FILE}: {written.get('name')}"
        raise BreathlineError(f"The automation is not valid: {error}", where=where, hint="correct the file") from error


def _document(client: SyncPrefectClient, block: str) -> str | None:
    kind, _, name = block.partition("/")
    try:
        return str(client.read_block_document_by_name(name, kind).id)
    except ObjectNotFound:
        return None


def _saved(block: Block, name: str) -> str:
    block.save(name, overwrite=True)
    return f"block {block.get_block_type_slug()}/{name}: saved"


def _mail(address: str) -> str:
    from apprise import Apprise

    if address.startswith(("http://", "https://")) or not Apprise().add(address):
        hint = "an Apprise address: mailtos://user:password@smtp.example.org?from=a@example.org&to=b@example.org"
        raise BreathlineError("The address for e-mail is not valid.", where="--email", hint=hint)
    return address
