"""ONVIF cameras of the network: found by WS-Discovery, and asked for the addresses of their pictures."""
