"""Networks, front ends, objectives, optimisers and the training loop; no orchestrator and no DVC in here."""
