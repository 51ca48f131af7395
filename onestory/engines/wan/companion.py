"""
The process on another card: what is it told, and what does it do?

    briefing   loads the transformers, says that it is ready, meets the others
    shot       is shown what each transformer reads with the shot
    call       is shown the inputs, and calls a transformer: its share of the tokens is its own
    rest       forgets what was read

Started by `onestory.engines.wan.companions`, which says what it is told and how. It ends when its
input does. If it breaks down, its last line says why.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import torch
from torch import Tensor

from onestory.diffusion.inject import joint
from onestory.diffusion.spreading import meet, shared, spread
from onestory.engines.wan.adapter import find_adapter
from onestory.engines.wan.card import WanConfig, read_card
from onestory.engines.wan.ladder import spoken_of
from onestory.engines.wan.loading import load_transformers
from onestory.errors import EngineFaultError, OneStoryError

Order = Mapping[str, Any]


@torch.no_grad()
def serve(orders: Iterator[Order], say: Callable[[Order], None]) -> None:
    """
    Draw along.

    Args:
        orders: What the engine says, the briefing first.
        say: Answers it.

    Raises:
        WeightsError: If the model cannot be loaded.
        OrderError: If attention cannot be computed as chosen.
        OutOfMemoryError: If the card has too little memory.
    """
    briefing = next(orders)
    folder, device = Path(briefing["folder"]), torch.device(briefing["device"])
    card, config = read_card(folder), WanConfig(**briefing["config"])
    if device.type == "cuda":
        torch.cuda.set_device(device)
    files = briefing["adapter"]
    transformers = load_transformers(
        folder,
        card,
        config,
        adapter=find_adapter(files, folder, card) if files else None,
        packed=[Path(file) for file in briefing["packed"]],
        device=str(device),
    )
    say({"is_ready": True})
    parallel = meet(
        Path(briefing["meeting"]), rank=briefing["rank"], cards=briefing["cards"], device=device
    )
    for order in orders:
        with spoken_of(), ExitStack() as stack:
            stack.enter_context(spread(transformers, parallel))
            memories = [_shown(one, device) for one in order["memory"]]
            for transformer, memory in zip(transformers, memories, strict=bool(memories)):
                tokens_1LD, positions_L3 = memory["tokens_1LD"], memory["positions_L3"]
                stack.enter_context(joint(transformer, tokens_1LD, positions_L3, timestep=0.0))
            while (order := next(orders))["do"] == "call":
                given = _shown(order["given"], device)
                transformers[order["number"]](**given, return_dict=False)


def _shown(shapes: Mapping[str, Any], device: torch.device) -> dict[str, Tensor]:
    """Tensors, as the first card shows them."""
    found = {}
    for name, one in shapes.items():
        found[name] = torch.empty(one["shape"], dtype=getattr(torch, one["dtype"]), device=device)
        shared(found[name])
    return found


def _heard(stream: IO[str]) -> Iterator[Order]:
    """What is said, line by line; the process ends with it, whatever it does at that time."""
    lines: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in stream:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield json.loads(lines.get())


def main() -> None:
    """Serve the engine that started this process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    # What libraries print must not be taken for an answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(answer: Order) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        serve(_heard(sys.stdin), say)
    except OneStoryError as error:
        say(error.as_json())
    except Exception as error:  # noqa: BLE001  (the edge of a process)
        reason = next(iter(str(error).splitlines()), "")
        say(EngineFaultError(f"{type(error).__name__}: {reason}").as_json())
    # Not by way of the libraries' own farewells, which may wait for other cards.
    os._exit(1)


if __name__ == "__main__":
    main()
