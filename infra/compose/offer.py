"""
Offer the deployments: the work pool with its queues, and what `deployments/prefect.yaml` lists;
and the automations that tell ONESTORY_NOTIFY_URL and ONESTORY_WEBHOOK_URL what happens.

A job that may run again at any time, and does after each upgrade. It does what `onestory studio
up --worker` does before it starts a worker, on a machine whose services somebody else keeps.
"""

from deployments.crew import automate, offer
from deployments.studio.settings import read_settings


def main() -> None:
    """Open the pool if there is none, without a limit: there are as many places as workers."""
    settings = read_settings()
    offer(settings, at_once=None)
    automate(settings)


if __name__ == "__main__":
    main()
