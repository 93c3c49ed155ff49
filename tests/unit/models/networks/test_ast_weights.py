"""Published weights of each layout against the output of the published implementations."""

import pytest
import timm
import torch
from safetensors.torch import load_file
from timm.models.deit import VisionTransformerDistilled
from torch import Tensor, nn

from models.networks.ast import AST, ASTOptions
from models.networks.ast_weights import fit_positions, published_grid
from models.networks.base import NetworkSpec

TINY = ASTOptions(size="tiny", depth=2)
FEATURES = torch.randn(2, 160, 128, generator=torch.Generator().manual_seed(0))
WIDTH = 192


def tiny(options: ASTOptions = TINY, *, frames: int = 160, mels: int = 128) -> AST:
    torch.manual_seed(1)
    return AST(options, NetworkSpec(frames=frames, mels=mels, classes=4)).eval()


def randomised(module: nn.Module) -> nn.Module:
    """Return a module whose every tensor tells: initial positions, biases and norms are all zeros or ones."""
    torch.manual_seed(2)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.2)
    return module.eval()


@pytest.mark.slow
def test_transformers_gives_the_same_output_from_its_own_file(tmp_path):
    transformers = pytest.importorskip("transformers")
    shape = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 4 * WIDTH}
    # The epsilon is the authors' and timm's; transformers' own default is 1e-12.
    config = transformers.ASTConfig(**shape, max_length=160, num_labels=4, layer_norm_eps=1e-6)
    theirs = randomised(transformers.ASTForAudioClassification(config))
    theirs.save_pretrained(tmp_path)
    ours = tiny()
    ours.load_pretrained(load_file(tmp_path / "model.safetensors"), source="test")
    with torch.no_grad():
        expected = theirs.audio_spectrogram_transformer(FEATURES)
        torch.testing.assert_close(ours.embed(FEATURES), expected.pooler_output, rtol=1e-5, atol=1e-5)
        mean = tiny(ASTOptions(size="tiny", depth=2, pool="mean"))
        mean.load_pretrained(load_file(tmp_path / "model.safetensors"), source="test")
        torch.testing.assert_close(mean.embed(FEATURES), expected.last_hidden_state.mean(1), rtol=1e-5, atol=1e-5)
        ours.head[0], ours.head[2] = theirs.classifier.layernorm, theirs.classifier.dense
        torch.testing.assert_close(ours(FEATURES), theirs(FEATURES).logits, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_transformers_counts_the_same_parameters_at_full_size():
    transformers = pytest.importorskip("transformers")
    with torch.device("meta"):
        theirs = transformers.ASTForAudioClassification(transformers.ASTConfig(num_labels=527))
        ours = AST(ASTOptions(), NetworkSpec(frames=1024, mels=128, classes=527))
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters()) == 86_594_063


def authors_file(width: int = WIDTH, depth: int = 2, positions: int = 12 * 101) -> dict[str, Tensor]:
    """Return random tensors under the names and in the shapes of the authors' AudioSet checkpoint, but for its size."""
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("v.cls_token", "v.dist_token"), (1, 1, width))
    shapes["v.pos_embed"] = (1, positions + 2, width)
    norm, classes = (width,), (1000, width)
    layers = {"v.patch_embed.proj": (width, 1, 16, 16), "v.norm": norm, "v.head": classes, "v.head_dist": classes}
    layers |= {"mlp_head.0": norm, "mlp_head.1": (527, width)}
    block = {"norm1": norm, "attn.qkv": (3 * width, width), "attn.proj": (width, width), "norm2": norm}
    block |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
    layers |= {f"v.blocks.{number}.{name}": shape for number in range(depth) for name, shape in block.items()}
    for name, shape in layers.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    random = torch.Generator().manual_seed(3)
    return {f"module.{name}": 0.2 * torch.randn(shape, generator=random) for name, shape in shapes.items()}


def test_the_authors_file_gives_the_same_output_in_timm():
    state = authors_file(depth=3, positions=8 * 10)
    theirs = VisionTransformerDistilled(
        img_size=(128, 160), in_chans=1, patch_size=16, embed_dim=WIDTH, depth=3, num_heads=3, num_classes=1000
    )
    theirs.load_state_dict({k.removeprefix("module.v."): v for k, v in state.items() if k.startswith("module.v.")})
    ours = tiny(ASTOptions(size="tiny", depth=3, stride=16))
    ours.load_pretrained(state, source="test")
    with torch.no_grad():
        tokens = theirs.eval().forward_features(FEATURES.transpose(1, 2).unsqueeze(1))
        expected = theirs.forward_head(tokens, pre_logits=True)
        torch.testing.assert_close(ours.embed(FEATURES), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow  # two networks of 86 million parameters: 3 s
def test_timms_image_transformer_gives_the_same_output_for_a_grey_image():
    theirs = randomised(timm.create_model("deit_tiny_distilled_patch16_224"))
    ours = tiny(ASTOptions(size="tiny", stride=16), frames=224, mels=224)
    ours.load_pretrained(theirs.state_dict(), source="test")
    image = torch.randn(1, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        tokens = theirs.forward_features(image.transpose(1, 2).unsqueeze(1).expand(-1, 3, -1, -1))
        expected = theirs.forward_head(tokens, pre_logits=True)
        torch.testing.assert_close(ours.embed(image), expected, rtol=1e-5, atol=1e-5)


def test_names_and_shapes_of_deit_base_fit_at_full_size():
    with torch.device("meta"):
        published = timm.create_model("deit_base_distilled_patch16_384").state_dict()
        network = AST(ASTOptions(), NetworkSpec(frames=798, mels=128, classes=4))
        network.load_pretrained(published, source="test")
    assert network.vit.pos_embed.shape == (1, 12 * 79 + 2, 768)


def test_the_authors_audioset_file_fits_any_grid_and_fewer_blocks():
    state = authors_file()
    for stride, frames in ((10, 1024), (10, 798), (16, 798)):
        network = tiny(ASTOptions(size="tiny", depth=1, stride=stride), frames=frames)
        network.load_pretrained(state, source="test")
    whole = tiny(ASTOptions(size="tiny", depth=1), frames=1024)
    whole.load_pretrained(state, source="test")
    assert torch.equal(whole.vit.pos_embed, state["module.v.pos_embed"])
    plain = tiny(ASTOptions(size="tiny", depth=1, distilled=False), frames=1024)
    plain.load_pretrained(state, source="test")
    without = [0, *range(2, 12 * 101 + 2)]
    assert torch.equal(plain.vit.pos_embed, state["module.v.pos_embed"][:, without])


def test_weights_of_another_width_are_refused_by_name():
    wider = AST(ASTOptions(size="small", depth=2), NetworkSpec(frames=160, mels=128, classes=4))
    with pytest.raises(ValueError, match=r"data/weights/x do not fit .*blocks\.0"):
        wider.load_pretrained(tiny().vit.state_dict(), source="data/weights/x")


def test_positions_are_cut_about_the_centre_and_interpolated():
    audioset = torch.arange(12 * 101.0).reshape(1, 12 * 101, 1)
    cut = fit_positions(audioset, (12, 101), (12, 79)).reshape(12, 79)
    assert torch.equal(cut, audioset.reshape(12, 101)[:, 11:90])
    # The authors begin at ⌊64 / 2⌋ − ⌊49 / 2⌋ = 8, where half of what is cut would be 7.
    assert fit_positions(torch.arange(64.0).reshape(1, 64, 1), (1, 64), (1, 49))[0, 0] == 8
    imagenet = torch.arange(24 * 24.0).reshape(1, 24 * 24, 1)
    longer = fit_positions(imagenet, (24, 24), (12, 79)).reshape(12, 79)
    assert longer[0, 0] == imagenet.reshape(24, 24)[6, 0]
    assert (longer.diff(dim=1) >= 0).all()


def test_grids_follow_from_the_number_of_positions():
    published = {24 * 24: (24, 24), 12 * 101: (12, 101), 10 * 85: (10, 85), 9 * 73: (9, 73), 8 * 64: (8, 64)}
    assert {tokens: published_grid(tokens, rows=8) for tokens in published} == published
    assert published_grid(12 * 50, rows=12) == (12, 50)
    with pytest.raises(ValueError, match="1213 positions"):
        published_grid(1213, rows=12)
