"""Set-up for `./check` and `./selftest`: from a bare Python 3.11 to a running pytest.

Runs before anything is installed, so it imports the standard library and what keeps to it (errors, model, releases,
machine). Knows no control, no image and no container: pytest does the rest in the environment that this makes.
"""
