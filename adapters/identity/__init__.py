"""Accounts of people: passwords, tokens, second factors, and the rows behind them."""
