"""The mail itself: template files, the compiled skeleton, tokens and DKIM signatures."""
