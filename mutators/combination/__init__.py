"""Combined bugs: choose verified bugs and join them."""
