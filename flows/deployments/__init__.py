"""What a Prefect server is given so that Breathline runs on it: pools, limits, blocks, automations, deployments."""
