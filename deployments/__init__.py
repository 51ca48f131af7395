"""
Deployments: the composition root, which may import everything and knows this machine.

Refuses to hold anything that a film is made of.
Entry points: `deployments.cli.main` and `deployments/prefect.yaml`.
"""
