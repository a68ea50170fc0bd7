"""A tenant's whole data as one file: docs/tenant-archive.md describes it."""
