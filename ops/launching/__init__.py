"""From a file of leads and a template to a running campaign: what `send` and `demo` do in turn."""
