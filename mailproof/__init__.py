"""mailproof proves that a Postfix/Dovecot configuration does what its hardening profile claims."""

__version__ = "0.1.0"
