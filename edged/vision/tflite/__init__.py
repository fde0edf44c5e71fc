"""A verifying reader of model files: TFLite FlatBuffers and their metadata."""
