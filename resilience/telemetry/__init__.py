"""Metrics and spans of the resilience patterns, in modules that the patterns know nothing of.

    from resilience.telemetry import prometheus, tracing

    prometheus.register()        # needs prometheus-client
    tracing.switch_on()          # needs opentelemetry-api

Each is a no-op that says so in the log where its package is not installed.
"""
