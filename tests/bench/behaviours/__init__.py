"""What resilience libraries do where it is hard, each cell an experiment that runs: `python -m tests.bench.behaviours`."""
