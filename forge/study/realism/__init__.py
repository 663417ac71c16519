"""How far made bugs are from the bugs that people fixed."""
