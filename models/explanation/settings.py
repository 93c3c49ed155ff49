"""Names of the methods that draw maps; importing them needs no torch."""

from typing import Literal

Method = Literal["gradient_attention", "attention_rollout", "layer_cam", "integrated_gradients"]
