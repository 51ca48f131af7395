"""
Order from a Prefect server as its dashboard does: by deployments, for workers to carry out.

A `Dashboard` holds the address of the API; it submits orders and watches what becomes of them.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from onestory.testing.waiting import WAIT_SECONDS, wait_until

PATIENCE_SECONDS = 120.0
"""For how long a server that is busy or away is asked again, and how long it may take to answer."""

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Dashboard:
    """A person at the dashboard of a studio."""

    api: str
    """Such as `http://127.0.0.1:4200/api`."""
    auth: str = ""
    """User and password that it asks for, with a colon between."""

    def submit(
        self,
        deployment: str,
        order: Mapping[str, Any],
        *,
        labels: Mapping[str, str | int | float | bool] | None = None,
    ) -> str:
        """
        Order something from a deployment.

        Args:
            deployment: As `flow/deployment`.
            order: Fields of its form.
            labels: What the run knows from the start, as if it had been begun before.

        Returns:
            The flow run's id.
        """
        found = self._ask("GET", f"/deployments/name/{deployment}")
        asked = {
            "parameters": {"order": dict(order)},
            "state": {"type": "SCHEDULED"},
            "labels": dict(labels or {}),
            # Asked again after a 503, it is still one run.
            "idempotency_key": uuid4().hex,
        }
        made = self._ask("POST", f"/deployments/{found['id']}/create_flow_run", asked)
        return str(made["id"])

    def wait(
        self, flow_run: str, states: Collection[str] = ENDED, *, seconds: float = WAIT_SECONDS
    ) -> str:
        """
        Wait until a flow run is in one of some types of state.

        Returns:
            Which one.

        Raises:
            AssertionError: If it is in none of them in time.
        """
        deadline = time.monotonic() + seconds
        while (state := str(self.read(flow_run)["state_type"])) not in states:
            assert time.monotonic() < deadline, f"still {state}, not {' or '.join(states)}"
            time.sleep(0.2)
        return state

    def wait_for_runs(self, flow: str, state: str, *, at_least: int) -> list[dict[str, Any]]:
        """
        Wait until so many runs of a flow are in a type of state.

        Args:
            flow: Whose runs.
            state: Which type.
            at_least: How many.

        Returns:
            All of them.

        Raises:
            AssertionError: If there never are.
        """
        asked = {
            "flows": {"name": {"any_": [flow]}},
            "flow_runs": {"state": {"type": {"any_": [state]}}},
        }
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found: list[dict[str, Any]] = self._ask("POST", "/flow_runs/filter", asked)
            if len(found) >= at_least:
                return found
            assert time.monotonic() < deadline, f"only {len(found)} runs were {state}"
            time.sleep(0.2)

    def wait_for_words(self, flow_run: str, words: str) -> None:
        """
        Wait until the state of a flow run says something.

        Raises:
            AssertionError: If it does not in time.
        """
        wait_until(
            lambda: words in (self.read(flow_run)["state"]["message"] or ""),
            f"run {flow_run} says {words!r}",
        )

    def wait_for_question(self, flow_run: str, *, after: str = "") -> str:
        """
        Wait until a flow run is suspended on a question, and its form is there.

        Args:
            flow_run: Which one.
            after: Name of the question that was answered, if one was.

        Returns:
            Name of the question.

        Raises:
            AssertionError: If it ends, or asks nothing else in time.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            state = self.read(flow_run)["state"]
            key = str(state["state_details"]["pause_key"] or "")
            is_asked = state["type"] == "PAUSED" and key not in ("", after)
            if is_asked and self._has_form(flow_run, state):
                return key
            assert state["type"] not in ENDED, f"ended: {state['message']}"
            assert time.monotonic() < deadline, f"asked nothing: {state['type']}"
            time.sleep(0.2)

    def _has_form(self, flow_run: str, paused: Mapping[str, Any]) -> bool:
        """Whether a question can be answered: its form comes after the state, its words last."""
        asked = {"prefix": paused["state_details"]["run_input_keyset"]["description"]}
        return bool(self._ask("POST", f"/flow_runs/{flow_run}/input/filter", asked))

    def resume(self, flow_run: str, **said: Any) -> None:
        """
        Answer a flow run's question by the server's interface, as its form does.

        Raises:
            AssertionError: If the server refuses the answer.
        """
        path = f"/flow_runs/{flow_run}/resume"
        answer = self._ask("POST", path, {"run_input": said}, is_said_once=True)
        assert answer["status"] == "ACCEPT", answer["details"]["reason"]

    def read(self, flow_run: str) -> dict[str, Any]:
        """A flow run as the server tells it."""
        found: dict[str, Any] = self._ask("GET", f"/flow_runs/{flow_run}")
        return found

    def cancel(self, flow_run: str) -> None:
        """Give a flow run up, wherever it is."""
        asked = {"state": {"type": "CANCELLED"}, "force": True}
        self._ask("POST", f"/flow_runs/{flow_run}/set_state", asked)

    def limit_pool(self, num_runs: int, *, pool: str = "onestory") -> None:
        """Let workers carry out so many flow runs at once."""
        self._ask("PATCH", f"/work_pools/{pool}", {"concurrency_limit": num_runs})

    def wait_for_pool(self, pool: str) -> None:
        """
        Wait until there is a work pool, which its first worker makes.

        Raises:
            AssertionError: If there is none in time.
        """
        named = {"work_pools": {"name": {"any_": [pool]}}}
        wait_until(
            lambda: bool(self._ask("POST", "/work_pools/filter", named)), f"there is a pool {pool}"
        )

    def artifact(self, key: str) -> str:
        """What the latest artifact of a name shows."""
        return str(self._ask("GET", f"/artifacts/{key}/latest")["data"])

    def kinds_of_artifacts(self, flow_run: str) -> set[tuple[str, str]]:
        """Key and type of everything that a flow run shows."""
        asked = {"artifacts": {}, "flow_runs": {"id": {"any_": [flow_run]}}}
        found = self._ask("POST", "/artifacts/filter", asked)
        return {(str(one["key"]), str(one["type"])) for one in found}

    def page_of_artifact(self, key: str) -> str:
        """Path of the page of the latest artifact of a name."""
        wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 1}
        (found,) = self._ask("POST", "/artifacts/filter", wanted)
        return f"/artifacts/artifact/{found['id']}"

    def page_of_form(self, deployment: str) -> str:
        """Path of the form of a deployment, named as `flow/deployment`."""
        found = self._ask("GET", f"/deployments/name/{deployment}")
        return f"/deployments/deployment/{found['id']}/run"

    def log(self, flow_run: str) -> str:
        """What a flow run has logged, a line for each message."""
        asked = {"logs": {"flow_run_id": {"any_": [flow_run]}}, "sort": "TIMESTAMP_ASC"}
        return "\n".join(str(line["message"]) for line in self._ask("POST", "/logs/filter", asked))

    def tasks(self, flow_run: str) -> list[tuple[str, str]]:
        """
        Every task run of a flow run: its name, which another may have too, and its state's.

        The server hears of them by events: what has happened may not be known to it yet.
        """
        found = self._ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run]}}})
        return [(str(run["name"]), str(run["state_name"])) for run in found]

    def _ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        is_said_once: bool = False,
    ) -> Any:
        # Loopback is reached directly, whatever proxy is set.
        user, _, password = self.auth.partition(":")
        auth = (user, password) if self.auth else None
        with httpx.Client(
            base_url=self.api, auth=auth, trust_env=False, timeout=PATIENCE_SECONDS
        ) as client:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                try:
                    answer = client.request(method, path, json=content)
                except httpx.TransportError:
                    # Busy, or starting again. It may have heard: what may not be said twice is not.
                    if is_said_once or time.monotonic() > deadline:
                        raise
                else:
                    # So says a server on SQLite while somebody else writes.
                    is_busy = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
                    if not is_busy or time.monotonic() > deadline:
                        break
                time.sleep(1.0)
            return answer.raise_for_status().json() if answer.content else None
