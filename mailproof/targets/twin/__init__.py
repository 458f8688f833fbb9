"""A user's own configuration in a container of ours: what is missing has a visible stand-in, the rest is as is."""
