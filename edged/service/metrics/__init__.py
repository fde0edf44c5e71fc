"""Metrics over HTTP: /metrics for Prometheus, and /healthz and /readyz for health checks."""
