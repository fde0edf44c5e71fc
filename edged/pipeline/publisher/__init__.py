"""The publisher stage: messages out, subscriptions in."""
