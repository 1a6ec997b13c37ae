"""Draws the sample pictures: synthetic stained blood, for demonstrations. No pixel comes from a photograph."""
