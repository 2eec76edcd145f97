"""What a person may run into with the phone, told without loading what speaks to it."""


class InvalidPhoneNumber(Exception):
    """That is not a phone number; write it like +4915112345678."""


class SimulatorError(Exception):
    """The simulator did not do what it was asked."""
