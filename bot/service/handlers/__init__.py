"""What the service does when GitHub tells it something. One module for each family of events.

A webhook is a hint: a handler reads the present state from GitHub, so that order, repetition and
loss of deliveries do not matter.
"""
