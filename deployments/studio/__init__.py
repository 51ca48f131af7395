"""
Owns the services of a studio: it starts, shares, mends and stops the embedded ones.
Refuses to know screenplays, takes and flows; it deals in processes and addresses only.
Entry point: `deployments.studio.embedded.studio`.
"""
