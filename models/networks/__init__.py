"""Networks from fbank features to logits, and the pretrained weights that they start from."""
