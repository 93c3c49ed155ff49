"""The architectures with their published sizes, and the weights that were published for them.

What is known for certain stands here, and no more: a SHA-256 that is not is null, and is seen when the weights come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PANNS = "https://zenodo.org/record/3987831/files"
EFFICIENTAT = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1"
DROPBOX = "https://www.dropbox.com/s"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Published weights, as ``weights.<name>`` of params.yaml declares them.

    Attributes:
        source: A URL, ``hf:<organisation>/<repository>/<file>`` or ``timm:<model>``.
        sha256: Of the file, where it is known.
        licence: As their authors give it.
        learned_from: The data, and where published the score on it.
        layout: Whose names the tensors have.
    """

    source: str
    sha256: str | None = None
    licence: str
    learned_from: str
    layout: str


def _imagenet(model: str, licence: str) -> Weights:
    return Weights(source=f"timm:{model}", licence=licence, learned_from="ImageNet", layout="timm")


def _audioset(source: str, sha256: str | None, licence: str, precision: float, layout: str) -> Weights:
    learned_from = f"AudioSet, {precision:.3f} mAP"
    return Weights(source=source, sha256=sha256, licence=licence, learned_from=learned_from, layout=layout)


_SSAST_FOLDERS = {  # there is no frame-based one of the size small
    ("patch", "tiny"): "fkbtf78y94113wz",
    ("patch", "small"): "i24w446rl9pkf05",
    ("patch", "base"): "ewrzpco95n9jdz6",
    ("frame", "tiny"): "rx7g60ruzawffzv",
    ("frame", "base"): "nx6nl4d4bl71sm8",
}
WEIGHTS: dict[str, Weights] = {
    "ast_audioset": _audioset(
        "hf:MIT/ast-finetuned-audioset-10-10-0.4593/model.safetensors",
        "ae0c1e2ad4e1381d851fa9bf298ba13ebc9c5a914cdee2dbe427a6583869924d",
        "bsd-3-clause",
        0.459,
        "Hugging Face",
    ),
    "ast_audioset_authors": _audioset(  # the same tensors
        f"{DROPBOX}/cv4knew8mvbrnvq/audioset_0.4593.pth?dl=1",
        "dfc313e5082dc37ece8bd3bd6e7ea8bfee6598179a14eedd15c1727ad0af788f",
        "bsd-3-clause",
        0.459,
        "authors",
    ),
    "deit_tiny_imagenet": _imagenet("deit_tiny_distilled_patch16_224.fb_in1k", "apache-2.0"),
    "deit_small_imagenet": _imagenet("deit_small_distilled_patch16_224.fb_in1k", "apache-2.0"),
    "deit_base_imagenet": _imagenet("deit_base_distilled_patch16_384.fb_in1k", "apache-2.0"),
    **{
        f"ssast_{kind}_{size}": Weights(
            source=f"{DROPBOX}/{folder}/SSAST-{size.title()}-{kind.title()}-400.pth?dl=1",
            licence="bsd-3-clause",
            learned_from="AudioSet and LibriSpeech, without labels",
            layout="authors",
        )
        for (kind, size), folder in _SSAST_FOLDERS.items()
    },
    "mn04_as": _audioset(
        f"{EFFICIENTAT}/mn04_as_mAP_432.pt",
        "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
        "mit",
        0.432,
        "authors",
    ),
    "mn10_as": _audioset(
        f"{EFFICIENTAT}/mn10_as_mAP_471.pt",
        "0bd7dc2443af498c289a2e739f02ebb515d6aa3fd3ab9db539c86123ae368a4e",
        "mit",
        0.471,
        "authors",
    ),
    "cnn6_audioset": _audioset(f"{PANNS}/Cnn6_mAP%3D0.343.pth", None, "cc-by-4.0", 0.343, "authors"),
    "cnn10_audioset": _audioset(f"{PANNS}/Cnn10_mAP%3D0.380.pth", None, "cc-by-4.0", 0.380, "authors"),
    "cnn14_audioset": _audioset(
        f"{PANNS}/Cnn14_mAP%3D0.431.pth",
        "0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
        "cc-by-4.0",
        0.431,
        "authors",
    ),
    # As torchvision brings them.
    **{f"resnet{depth}_imagenet": _imagenet(f"resnet{depth}.tv_in1k", "bsd-3-clause") for depth in (18, 34, 50, 101)},
    "efficientnet_b0_imagenet": _imagenet("efficientnet_b0.ra_in1k", "apache-2.0"),
    "efficientnet_b1_imagenet": _imagenet("efficientnet_b1.ft_in1k", "apache-2.0"),
    "efficientnet_b2_imagenet": _imagenet("efficientnet_b2.ra_in1k", "apache-2.0"),
    "beats_iter3_plus": Weights(  # a copy: the authors' own address has a signature that expires
        source="https://huggingface.co/datasets/Bencr/beats-checkpoints/resolve/main/BEATs_iter3_plus_AS2M.pt",
        sha256="d43cbfad4d7b56381c061d7a24774f908d4d94c72961f6eb1d9090ff18cd8d34",
        licence="mit",
        learned_from="AudioSet",
        layout="authors",
    ),
    "clap_htsat_unfused": Weights(
        source="hf:laion/clap-htsat-unfused/pytorch_model.bin",
        sha256="1cd3c601bc4afe0fa87be3de4c13dd2cfadd249fac1e29acf74a9b296c3219bb",
        licence="apache-2.0",
        learned_from="LAION-Audio-630K, with its captions",
        layout="Hugging Face",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """An architecture at one published size.

    Attributes:
        architecture: As params.yaml names it.
        options: What makes it this size; all others are at their defaults.
        frontend: The one that its weights, or its publication, belong to.
        weights: Names of `WEIGHTS` that fit, the usual ones first; for none, only the random start is left.
    """

    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    frontend: str
    weights: tuple[str, ...] = ()


_SSAST_OPTIONS: dict[str, dict[str, Any]] = {
    "patch": {"kind": "patch", "stride": 10},
    "frame": {"kind": "frame", "stride": [128, 1]},
}

MODELS: dict[str, Model] = {
    "ast_tiny": Model(architecture="ast", options={"size": "tiny"}, frontend="ast", weights=("deit_tiny_imagenet",)),
    "ast_small": Model(architecture="ast", options={"size": "small"}, frontend="ast", weights=("deit_small_imagenet",)),
    "ast_base": Model(
        architecture="ast",
        options={"size": "base"},
        frontend="ast",
        weights=("ast_audioset", "ast_audioset_authors", "deit_base_imagenet"),
    ),
    **{
        f"ssast_{kind}_{size}": Model(
            architecture="ssast",
            options={**options, "size": size},
            frontend="ast",
            weights=(f"ssast_{kind}_{size}",) if (kind, size) in _SSAST_FOLDERS else (),
        )
        for kind, options in _SSAST_OPTIONS.items()
        for size in ("tiny", "small", "base")
    },
    "mn04": Model(architecture="mn", options={"width": 0.4}, frontend="efficientat", weights=("mn04_as",)),
    "mn10": Model(architecture="mn", options={"width": 1.0}, frontend="efficientat", weights=("mn10_as",)),
    **{
        name: Model(architecture=name, frontend="panns", weights=(f"{name}_audioset",))
        for name in ("cnn6", "cnn10", "cnn14")
    },
    "resnet10": Model(architecture="resnet10", frontend="fbank"),
    **{
        name: Model(architecture=f"timm/{name}", frontend="fbank", weights=(f"{name}_imagenet",))
        for name in (
            *(f"resnet{depth}" for depth in (18, 34, 50, 101)),
            *(f"efficientnet_b{size}" for size in range(3)),
        )
    },
    "beats": Model(architecture="beats", frontend="beats", weights=("beats_iter3_plus",)),
    "clap": Model(architecture="clap", frontend="clap", weights=("clap_htsat_unfused",)),
}
