"""What monitoring systems read: /api/health, /api/diagnostics/metrics and /metrics. Only reads, all of them from the database."""
