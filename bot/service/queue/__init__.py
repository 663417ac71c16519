"""Work on the queues: workers, their processes, and what recurs."""
