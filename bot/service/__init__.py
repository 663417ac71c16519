"""The service: takes what GitHub tells, queues it, and does what follows."""
