"""
Offer the deployments: the work pool with its queues, and what `deployments/prefect.yaml` lists.

A job that may run again at any time, and does after each upgrade. It does what `onestory studio
up --worker` does before it starts a worker, on a machine whose services somebody else keeps.
"""

from deployments.crew import offer
from deployments.studio.settings import read_settings


def main() -> None:
    """Open the pool if there is none, without a limit: there are as many places as workers."""
    offer(read_settings(), at_once=None)


if __name__ == "__main__":
    main()
