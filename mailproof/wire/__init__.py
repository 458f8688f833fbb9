"""What goes over the wire: dialogues (pure), TLS offers and answers, the handshake, and the session that joins them."""
