"""Problem statements, export formats, grading."""
