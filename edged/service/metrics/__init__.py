"""Figures over HTTP: /metrics for Prometheus, /healthz and /readyz for who asks whether the daemon is well."""
