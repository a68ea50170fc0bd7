"""Why mail does not leave: which limits there are, which one binds, and when it lifts."""
