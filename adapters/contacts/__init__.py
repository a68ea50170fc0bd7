"""The contact vault: how leads come in. Addresses and merge fields live here and nowhere else."""
