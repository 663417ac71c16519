"""What is to stand on GitHub, and who puts it there."""
