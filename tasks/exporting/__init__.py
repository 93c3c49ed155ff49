"""Exports of trained students: ONNX, TorchScript, the layout of Hugging Face, and what a folder needs by itself."""
