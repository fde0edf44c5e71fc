"""Sockets below the messages: keys, CURVE and ZAP, handshakes, ZMTP."""
