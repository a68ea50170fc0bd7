"""A tenant's data from one installation into another: `penguin export-tenant`, `import-tenant`."""
