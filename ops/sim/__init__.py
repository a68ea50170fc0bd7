"""Receivers that do not exist, to compare controllers of volume on; never to predict real ones."""
