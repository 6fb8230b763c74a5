"""The device side of the system lane: an slcan adapter on a pseudo-terminal, a CAN bus, and ECUs."""
