"""The model's file: a verifying reader of TFLite FlatBuffers and their metadata."""
