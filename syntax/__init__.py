"""Source code as text with structure. Pure: no input or output."""
