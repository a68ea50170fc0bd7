"""The main job on the embedded stack, with leads made from a seed."""
