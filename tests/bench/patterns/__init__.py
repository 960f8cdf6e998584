"""The resilience patterns beside the libraries that offer the same, in one run on one Python."""
