"""Set-up of a Prefect server for Breathline: pools, limits, blocks, automations, deployments."""
