"""The suite is a pytest plugin; this is where a checkout's own pytest finds it."""

pytest_plugins = ["mailproof.plugin"]
