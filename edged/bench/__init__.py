"""What ``edged bench`` measures: the daemon itself, with a subscriber, beside the bare model."""
