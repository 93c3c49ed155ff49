"""Names of the methods that draw maps; importing them needs no torch."""

from typing import Literal

Method = Literal["attention_rollout", "gradient_attention", "layer_cam", "integrated_gradients"]
