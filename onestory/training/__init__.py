"""
Training: stories to cached latents, the trainer, and what it is validated by.

Refuses to know Prefect, the vault and screenplays.
Entry point: `onestory.training.trainer.train`.
"""
