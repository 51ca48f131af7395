"""
How does an engine film one shot on several cards? With a companion on each of the others.

    engine, card 0 ── pipeline ── transformer ──┐ the same call, each with its share of the tokens
    companion, card 1 ─────────── transformer ──┤
    companion, card 2 ─────────── transformer ──┘

A companion is a process that holds the transformers and nothing else: it knows neither captions
nor schedule, and is told every call of a transformer as it comes, inputs and all. So nothing can
differ between the cards, and one that stops between two steps simply tells no further call.

Orders are lines of JSON on the companion's standard input, tensors go from card to card; nothing is
ever unpickled. A companion ends when its input does, so none outlives its engine however that ends.
Whatever goes wrong in the middle of a call leaves the others waiting for a share that will not
come: then all companions are ended, and the next shot begins with new ones.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from onestory.diffusion.spreading import (
    PATIENCE,
    give_up,
    meet,
    part,
    refuse_kernel,
    shared,
    spread,
)
from onestory.engines.wan.shot import Memory
from onestory.errors import EngineFaultError, OneStoryError, OutOfMemoryError, from_json

logger = logging.getLogger("onestory.engines.wan")

COMPANION = (sys.executable, "-P", "-m", "onestory.engines.wan.companion")
MOMENT_SECONDS = 2.0
"""How long after a call failed a companion may take to end, if it ends."""

ANEW = "the next take starts new processes; what they said stands in the engine's log"


@dataclass(frozen=True, kw_only=True, slots=True)
class Briefing:
    """What companions load."""

    folder: Path
    config: Mapping[str, Any]
    """All choices of a `WanConfig`."""
    adapter: tuple[Path, ...] = ()
    """Files of a few-step adapter."""
    packed: tuple[Path, ...] = ()
    """GGUF files of the transformers."""

    def order(self) -> dict[str, Any]:
        """As a companion reads it."""
        return {
            "folder": str(self.folder),
            "config": dict(self.config),
            "adapter": [str(file) for file in self.adapter],
            "packed": [str(file) for file in self.packed],
        }


class Companions:
    """The processes on all cards but the first."""

    def __init__(
        self, transformers: Sequence[Any], briefing: Briefing, *, cards: int, device: torch.device
    ) -> None:
        """
        Make them known; they are started with the first shot.

        Args:
            transformers: Of this process.
            briefing: What they load, too.
            cards: How many devices there are, this one among them.
            device: Of this process, the first.

        Raises:
            OrderError: If the kernel of attention cannot be shared.
        """
        for transformer in transformers:
            refuse_kernel(transformer)
        self._transformers = tuple(transformers)
        self._briefing = briefing
        self._cards = cards
        self._device = device
        self._parallel: Any = None
        self._is_calling = False
        self._troupe = _Troupe()
        # None is left behind where an engine is forgotten instead of closed.
        weakref.finalize(self, self._troupe.end)

    @property
    def pids(self) -> tuple[int, ...]:
        """Processes of companions, in the order of their cards; none before the first shot."""
        return tuple(process.pid for process in self._troupe.processes)

    def close(self) -> None:
        """End them; a later shot starts new ones."""
        self._troupe.end()
        self._parallel = None

    @contextmanager
    def drawing(self, memory: Sequence[Memory]) -> Iterator[None]:
        """
        Let companions take part in one denoising loop.

        Args:
            memory: What each transformer reads with the shot; empty for nothing.

        Yields:
            Nothing; attach that memory, and run a pipeline once.

        Raises:
            EngineFaultError: If a companion ended or broke down.
            OutOfMemoryError: If a card has too little memory.
            WeightsError: If a companion cannot load the model.
        """
        self._gather()
        try:
            with ExitStack() as stack:
                self._begin(memory)
                stack.enter_context(spread(self._transformers, self._parallel))
                for number, transformer in enumerate(self._transformers):
                    stack.callback(
                        transformer.register_forward_pre_hook(
                            partial(self._call, number), with_kwargs=True
                        ).remove
                    )
                    stack.callback(transformer.register_forward_hook(self._called).remove)
                yield
            self._say({"do": "rest"})
        except BaseException as error:
            if isinstance(error, OneStoryError) and not self._is_calling:
                # Stopped between two calls: companions wait for the next one, and are told.
                with suppress(OSError):
                    self._say({"do": "rest"})
                raise
            reason = None if isinstance(error, OneStoryError) else self._reason(error)
            self.close()
            if reason is None:
                raise
            raise reason from error

    def _begin(self, memory: Sequence[Memory]) -> None:
        self._is_calling = True
        tensors = [
            {"tokens_1LD": one.tokens_1LD, "positions_L3": one.positions_L3} for one in memory
        ]
        self._say({"do": "shot", "memory": [_shapes(one) for one in tensors]})
        for one in tensors:
            self._show(one)
        self._is_calling = False

    def _call(self, number: int, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Have companions call their transformer as this one is called."""
        assert not args, "pipelines call by name"
        self._is_calling = True
        tensors = {name: one for name, one in kwargs.items() if isinstance(one, Tensor)}
        self._say({"do": "call", "number": number, "given": _shapes(tensors)})
        self._show(tensors)

    def _called(self, *_: Any) -> None:
        self._is_calling = False

    def _show(self, tensors: Mapping[str, Tensor]) -> None:
        for tensor in tensors.values():
            shared(tensor.to(self._device).contiguous())

    def _say(self, order: Mapping[str, Any]) -> None:
        for process in self._troupe.processes:
            _write(process, order)

    def _gather(self) -> None:
        """See that all companions are there: with the first shot, and once some were lost."""
        if self._parallel is not None:
            if all(process.poll() is None for process in self._troupe.processes):
                return
            logger.warning("cards.lost pids=%s", self.pids)
            self.close()
        try:
            self._start()
        except BaseException as error:
            reason = None if isinstance(error, OneStoryError) else self._reason(error)
            self.close()
            if reason is None:
                raise
            raise reason from error

    def _start(self) -> None:
        # What a companion need not know, above all the vault's keys, it is not told.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ONESTORY_")
        }
        troupe = self._troupe
        troupe.folder = TemporaryDirectory(prefix="onestory-cards-")
        meeting = Path(troupe.folder.name) / "meeting"
        for rank in range(1, self._cards):
            troupe.processes.append(
                subprocess.Popen(
                    COMPANION,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=environment,
                    text=True,
                )
            )
            kind = self._device.type
            place = {"rank": rank, "device": kind if kind == "cpu" else f"{kind}:{rank}"}
            briefing = self._briefing.order() | place
            briefing |= {"cards": self._cards, "meeting": str(meeting)}
            _write(troupe.processes[-1], briefing)
        for process in troupe.processes:
            assert process.stdout is not None, "it was opened with one"
            if not process.stdout.readline():
                raise EOFError("a companion ended before it was ready")
        self._parallel = meet(meeting, rank=0, cards=self._cards, device=self._device)
        troupe.watch()

    def _reason(self, error: BaseException) -> OneStoryError | None:
        """Why companions ended or do not answer, if so; of several the one that others followed."""
        processes = self._troupe.processes
        until = time.monotonic() + MOMENT_SECONDS
        while all(process.poll() is None for process in processes) and time.monotonic() < until:
            time.sleep(0.02)
        said = [
            _last_words(card, process)
            for card, process in enumerate(processes, start=1)
            if process.poll() is not None
        ]
        if not said and "timed out" in str(error).lower():
            seconds = PATIENCE.total_seconds()
            said = [EngineFaultError(f"another card did not answer for {seconds:g} s", hint=ANEW)]
        # Who is left behind by another breaks down as well, and says so with less reason.
        return min(said, key=_weight, default=None)


class _Troupe:
    """What is there of companions."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        self.folder: TemporaryDirectory[str] | None = None
        """Where they meet."""
        self._has_met = False
        self._changing = threading.Lock()

    def watch(self) -> None:
        """Now that all have met, let nobody wait for one that ended."""
        self._has_met = True
        for process in self.processes:
            threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def end(self) -> None:
        """End all of it."""
        with self._changing:
            processes, self.processes = self.processes, []
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()
                for stream in (process.stdin, process.stdout):
                    if stream is not None:
                        with suppress(OSError):
                            stream.close()
            if self._has_met:
                part()
                self._has_met = False
        if self.folder is not None:
            self.folder.cleanup()
            self.folder = None

    def _watch(self, process: "subprocess.Popen[str]") -> None:
        process.wait()
        with self._changing:
            if process in self.processes:
                give_up()


def _write(process: subprocess.Popen[str], order: Mapping[str, Any]) -> None:
    assert process.stdin is not None, "it was opened with one"
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What a companion must know of tensors before it can be shown them."""
    return {
        name: {"shape": list(one.shape), "dtype": str(one.dtype).removeprefix("torch.")}
        for name, one in tensors.items()
    }


def _last_words(card: int, process: subprocess.Popen[str]) -> OneStoryError:
    """Why a companion ended."""
    assert process.stdout is not None, "it was opened with one"
    lines = process.stdout.read().splitlines()
    if lines:
        error = from_json(json.loads(lines[-1]))
        return type(error)(f"on card {card}: {error.message}", hint=error.hint)
    how = process.returncode
    return EngineFaultError(
        f"the process on card {card} was ended by signal {-how}"
        if how < 0
        else f"the process on card {card} ended with code {how}",
        hint=ANEW,
    )


def _weight(error: OneStoryError) -> int:
    """How little an error explains: a foreign one, which names its class, may be a mere echo."""
    if isinstance(error, OutOfMemoryError):
        return 0
    return 2 if "Error" in error.message else 1
