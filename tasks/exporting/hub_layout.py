"""Configuration files of a model repository on the Hugging Face Hub."""

from collections.abc import Mapping
from typing import Any

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
MODEL_TYPE = "breathline"
NETWORK_KEYS = ("architecture", "options", "frames", "mels", "labels", "classes", "heads", "normalization")
CLIP_KEYS = ("frontend", "duration_s", "pad", "fade", "frames", "mels")


def config(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``config.json``: the network and its classes.

    Args:
        card: Content of the export's ``model.json``.
    """
    classes = card["classes"]
    return {
        "model_type": MODEL_TYPE,
        "architectures": ["WaveformNetwork"],
        "torch_dtype": "float32",
        "problem_type": "single_label_classification",
        "num_labels": len(classes),
        "id2label": {str(index): name for index, name in enumerate(classes)},
        "label2id": {name: index for index, name in enumerate(classes)},
        **{key: card[key] for key in NETWORK_KEYS if key in card},
    }


def preprocessor(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``preprocessor_config.json``: channels, rate, resampling, clips and front end.

    Args:
        card: Content of the export's ``model.json``.
    """
    return {
        "feature_extractor_type": "BreathlineFrontEnd",
        "sampling_rate": card["sample_rate"],
        "feature_size": card["mels"],
        "channels": "mean",
        "resampling": {"method": "sinc_interp_hann", "lowpass_filter_width": 6, "rolloff": 0.99},
        "recording_fade_s": 0.0625 if card.get("fade", True) else 0.0,
        **{key: card[key] for key in CLIP_KEYS if key in card},
    }
