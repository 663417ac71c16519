"""What tasks share with public benchmarks: repositories that are in one, and texts that are near.

A model that is measured on a benchmark must not have been trained on the code it is measured on.
"""
