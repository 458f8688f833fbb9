"""The mail dialogues: bytes in, replies out. Pure."""
