"""Published weights as artifacts: download, hash check and conversion to safetensors."""
