"""Fills a stack with tenants, leads and finished campaigns, as the product itself would have."""
