"""What mailbox providers tell of our mail, each a `domain.reputation.ports.ReputationFeed`."""
