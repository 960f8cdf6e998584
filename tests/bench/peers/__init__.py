"""The queues that Breakwater is measured beside, each set up as its users would deliver an HTTP change with it."""
