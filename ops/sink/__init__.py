"""The mailbox provider stand-in: MX hosts on loopback that behave as the recipient's name says."""
