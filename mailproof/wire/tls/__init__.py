"""TLS as bytes: hellos, first flights, and the numbers in them. Pure."""
