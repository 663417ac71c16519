"""The service as a whole: HTTP server, queues, worker processes."""
