"""ZMTP 3 (RFC 23 and 37 of ZeroMQ) without any socket: bytes in, messages and bytes out.

libzmq accepts any number of connections, keeps whatever a peer sends, and ends the process where descriptors are used
up. edged's listening ends use this instead: `router_end` for the control socket, `pub_end` for the publish port. The
programs at the other end use libzmq.
"""
