"""Sockets beneath the messages: keys, CURVE and ZAP, handshakes, ZMTP."""
