"""Take webhook deliveries: check, parse and store them."""
