"""
Who is told of what happens in a studio? The automations of its Prefect server see to that.

    a shot's retakes are spent, a take waits for a person ──┐
    a film is at work, and nothing comes of it ─────────────┼── ONESTORY_NOTIFY_URL   a sentence
    a film is late, and nobody begins it ───────────────────┘
    an episode is delivered ──────────────────────────────────  ONESTORY_WEBHOOK_URL  a document

An address is a secret: it lies encrypted in a block of that server, and nowhere else. Prefect's
notification blocks raise what an answer of 4xx says, address included, into the server's log, and
call three times more; its webhook block keeps the answer to itself. So both are webhooks, and a
sentence is sent as `{"text": …}`, which chat servers take.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import httpx
from prefect.automations import AutomationCore, CallWebhook, EventTrigger, Posture
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.schemas.automations import Automation
from prefect.exceptions import ObjectNotFound, PrefectException
from pydantic import SecretStr

from deployments.studio.settings import StudioSettings
from onestory.errors import StudioError
from tasks.report import NEEDS

NOTIFY, WEBHOOK = "onestory-notify", "onestory-webhook"
"""Names of the blocks that hold the addresses."""
BLOCK_TYPE = "webhook"

NEEDED = "onestory: a shot needs a person"
STILL = "onestory: a film stands still"
LATE = "onestory: nobody begins a film"
DELIVERED = "onestory: an episode is delivered"
NAMES = (NEEDED, STILL, LATE, DELIVERED)

FILMS = ["produce-episode", "retake-shots"]
"""Flows that stand still if nothing is heard of them; a season waits for hours by nature."""
PROMPT_QUEUES = ["rush", "default"]
"""Queues on which nobody expects to wait: a night's episodes are late until their turn comes."""

RUNS = {"prefect.resource.id": "prefect.flow-run.*", "prefect.state-type": "*"}
"""What changes a run's state, or says that it goes on; a heartbeat, which a process that hangs
goes on giving, says nothing of a state."""
ANY_STATE = "prefect.flow-run.*"
GOES_ON = "onestory.run.goes-on"

_PAGE = "{{ flow_run | ui_url or '' }}"
_DOCUMENT = """{
  "schema": "Delivered.1",
  "event": {{ event.event | tojson }},
  "occurred": {{ event.occurred | string | tojson }},
  "flow_run": {{ flow_run.id | string | tojson }},
  "run_page": {{ (flow_run | ui_url or '') | tojson }},
  "dailies_page": {{ ((flow_run | ui_url or '').partition('/runs/')[0]
                      ~ '/artifacts/key/film-' ~ event.payload.episode) | tojson }},
  "delivery": {{ event.payload | tojson }}
}"""


def automate(settings: StudioSettings) -> list[str]:
    """
    Have the Prefect server that the environment names tell of what happens.

    May be called at any time: what is there already stays as it is, and so does whether a person
    has switched it off. What has no address any more is deleted.

    Args:
        settings: With the addresses, and after how long a film stands still.

    Returns:
        Names of the automations that are there now.

    Raises:
        StudioError: If the server refuses one, or does not answer.
    """
    try:
        return asyncio.run(_automated(settings))
    except (httpx.HTTPError, PrefectException) as error:
        raise StudioError(
            f"the automations were refused: {type(error).__name__}",
            hint="does the Prefect server answer?",
        ) from error


def automations_of(settings: StudioSettings, blocks: Mapping[str, UUID]) -> list[AutomationCore]:
    """
    What a studio tells of.

    Args:
        settings: After how long a film stands still.
        blocks: Ids of the blocks whose addresses are known, by name.

    Returns:
        Those automations that have somebody to tell it to.
    """
    waited = timedelta(minutes=settings.stuck_minutes)
    minutes = f"{settings.stuck_minutes:g} minutes"
    films = {"prefect.resource.role": "flow", "prefect.resource.name": FILMS}
    prompt = {"prefect.resource.role": "work-queue", "prefect.resource.name": PROMPT_QUEUES}
    found: list[AutomationCore] = []
    if NOTIFY in blocks:
        needed = EventTrigger(
            expect={"onestory.shot.exhausted", "onestory.review.asked"},
            match={"prefect.resource.id": "onestory.*", **NEEDS},
        )
        still = EventTrigger(
            posture=Posture.Proactive,
            # What begins the waiting is what is waited for, too: so it begins anew each time.
            after={f"prefect.flow-run.{name}" for name in ("Pending", "Running", "Retrying")}
            | {GOES_ON},
            expect={ANY_STATE, GOES_ON},
            match=RUNS,
            match_related=films,
            for_each={"prefect.resource.id"},
            within=waited,
        )
        late = EventTrigger(
            posture=Posture.Proactive,
            after={"prefect.flow-run.Late"},
            expect={ANY_STATE},
            match=RUNS,
            match_related=[films, prompt],
            for_each={"prefect.resource.id"},
            within=waited,
        )
        state = (
            "{{ flow_run.state.name }}"
            "{% if flow_run.state.message %}: {{ flow_run.state.message }}{% endif %}"
        )
        found += [
            _telling(
                NEEDED,
                needed,
                blocks[NOTIFY],
                "{{ event.payload.title }}, {{ event.payload.slate }}: {{ event.payload.why }}",
            ),
            _telling(
                STILL,
                still,
                blocks[NOTIFY],
                f"{{{{ flow_run.name }}}} stands still: nothing for {minutes}. It is {state}",
            ),
            _telling(
                LATE,
                late,
                blocks[NOTIFY],
                f"{{{{ flow_run.name }}}} is late: nobody began it for {minutes}. Are there "
                "workers, and are they all busy?",
            ),
        ]
    if WEBHOOK in blocks:
        delivered = EventTrigger(
            expect={"onestory.episode.delivered"}, match={"prefect.resource.id": "onestory.*"}
        )
        call = CallWebhook(block_document_id=blocks[WEBHOOK], payload=_DOCUMENT)
        found.append(
            AutomationCore(
                name=DELIVERED,
                description="Calls ONESTORY_WEBHOOK_URL.",
                trigger=delivered,
                actions=[call],
            )
        )
    return found


def _telling(name: str, trigger: EventTrigger, block: UUID, sentence: str) -> AutomationCore:
    """An automation that says a sentence, with the page of the run that it is about."""
    text = f"{{% set text %}}{sentence} {_PAGE}{{% endset %}}"
    payload = f'{text}{{"text": {{{{ text | trim | tojson }}}}}}'
    return AutomationCore(
        name=name,
        description="Calls ONESTORY_NOTIFY_URL.",
        trigger=trigger,
        actions=[CallWebhook(block_document_id=block, payload=payload)],
    )


async def _automated(settings: StudioSettings) -> list[str]:
    addresses = {NOTIFY: settings.notify_url, WEBHOOK: settings.webhook_url}
    async with get_client() as client:
        blocks = {
            name: await _kept(name, address)
            for name, address in addresses.items()
            if address is not None
        }
        wanted = {one.name: one for one in automations_of(settings, blocks)}
        for name in NAMES:
            await _become(client, await client.read_automations_by_name(name), wanted.get(name))
        for name in addresses.keys() - blocks.keys():
            await _forget(client, name)
    return [*wanted]


async def _kept(name: str, address: SecretStr) -> UUID:
    """Keep an address in its block, and say which one that is."""
    block = Webhook(
        url=address,
        headers={"Content-Type": "application/json"},
        # Who set the address up may well mean a server of the same house.
        allow_private_urls=True,
    )
    return await block.asave(name, overwrite=True)


async def _become(
    client: PrefectClient, there: list[Automation], wanted: AutomationCore | None
) -> None:
    """Have at most one automation of a name, which is as it is wanted."""
    for surplus in there[1:] if wanted else there:
        await client.delete_automation(surplus.id)
    if wanted is None:
        return
    if not there:
        await client.create_automation(wanted)
        return
    kept = wanted.model_copy(update={"enabled": there[0].enabled})
    # One that is written anew forgets for how long films have stood still.
    if AutomationCore.model_validate(there[0].model_dump(exclude={"id"})) != kept:
        await client.update_automation(there[0].id, kept)


async def _forget(client: PrefectClient, name: str) -> None:
    """Delete an address that is not set any more."""
    try:
        block = await client.read_block_document_by_name(name, BLOCK_TYPE, include_secrets=False)
    except ObjectNotFound:
        return
    await client.delete_block_document(block.id)
