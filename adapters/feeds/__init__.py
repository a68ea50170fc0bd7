"""What mailbox providers tell about mail from us, each behind `domain.ports.ReputationFeed`."""
