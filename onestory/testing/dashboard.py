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

PATIENCE_SECONDS = 120.0
"""For how long a server that is busy or away is asked again."""

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
        self, flow_run: str, states: Collection[str] = ENDED, *, seconds: float = 180.0
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

    def wait_for_runs(
        self, flow: str, state: str, *, at_least: int, named: str = "", seconds: float = 120.0
    ) -> list[dict[str, Any]]:
        """
        Wait until so many runs of a flow are in a type of state.

        Args:
            flow: Whose runs.
            state: Which type.
            at_least: How many.
            named: What they are called; empty: whatever.
            seconds: How long to wait.

        Returns:
            All of them.

        Raises:
            AssertionError: If there never are.
        """
        asked: dict[str, Any] = {
            "flows": {"name": {"any_": [flow]}},
            "flow_runs": {"state": {"type": {"any_": [state]}}},
        }
        if named:
            asked["flow_runs"]["name"] = {"any_": [named]}
        deadline = time.monotonic() + seconds
        while True:
            found: list[dict[str, Any]] = self._ask("POST", "/flow_runs/filter", asked)
            if len(found) >= at_least:
                return found
            assert time.monotonic() < deadline, f"only {len(found)} runs were {state}"
            time.sleep(0.2)

    def wait_for_words(
        self, flow_runs: Collection[str], words: str, *, seconds: float = 60.0
    ) -> None:
        """
        Wait until the state of one of some flow runs says something.

        Raises:
            AssertionError: If none does in time.
        """
        deadline = time.monotonic() + seconds
        while all(words not in (self.read(run)["state"]["message"] or "") for run in flow_runs):
            assert time.monotonic() < deadline, f"no run said {words!r}"
            time.sleep(0.2)

    def wait_for_question(self, flow_run: str, *, after: str = "", seconds: float = 180.0) -> str:
        """
        Wait until a flow run is suspended on a question.

        Args:
            flow_run: Which one.
            after: Name of the question that was answered, if one was.
            seconds: How long to wait.

        Returns:
            Name of the question.

        Raises:
            AssertionError: If it ends, or asks nothing else in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            state = self.read(flow_run)["state"]
            key = str(state["state_details"]["pause_key"] or "")
            if state["type"] == "PAUSED" and key not in ("", after):
                return key
            assert state["type"] not in ENDED, f"ended: {state['message']}"
            assert time.monotonic() < deadline, f"asked nothing: {state['type']}"
            time.sleep(0.2)

    def resume(self, flow_run: str, **said: Any) -> None:
        """
        Answer a flow run's question by the server's interface, as its form does.

        Raises:
            AssertionError: If the server refuses the answer.
        """
        answer = self._ask("POST", f"/flow_runs/{flow_run}/resume", {"run_input": said})
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

    def wait_for_pool(self, pool: str, *, seconds: float = 120.0) -> None:
        """
        Wait until there is a work pool, which its first worker makes.

        Raises:
            AssertionError: If there is none in time.
        """
        deadline = time.monotonic() + seconds
        named = {"work_pools": {"name": {"any_": [pool]}}}
        while not self._ask("POST", "/work_pools/filter", named):
            assert time.monotonic() < deadline, f"no pool {pool}"
            time.sleep(0.2)

    def artifact(self, key: str) -> str:
        """What the latest artifact of a name shows."""
        return str(self._ask("GET", f"/artifacts/{key}/latest")["data"])

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

    def task_states(self, flow_run: str) -> dict[str, str]:
        """Names of states of a flow run's tasks, by the task run's name, which two may share."""
        return dict(self.tasks(flow_run))

    def tasks(self, flow_run: str) -> list[tuple[str, str]]:
        """Every task run of a flow run: its name, which another may have too, and its state's."""
        found = self._ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run]}}})
        return [(str(run["name"]), str(run["state_name"])) for run in found]

    def _ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        # Loopback is reached directly, whatever proxy is set.
        user, _, password = self.auth.partition(":")
        auth = (user, password) if self.auth else None
        with httpx.Client(base_url=self.api, auth=auth, trust_env=False, timeout=60) as client:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                try:
                    answer = client.request(method, path, json=content)
                except httpx.TransportError:
                    # Busy, or starting again. Only what changes nothing is asked once more.
                    if method != "GET" or time.monotonic() > deadline:
                        raise
                else:
                    # So says a server on SQLite while somebody else writes.
                    is_busy = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
                    if not is_busy or time.monotonic() > deadline:
                        break
                time.sleep(1.0)
            return answer.raise_for_status().json() if answer.content else None
