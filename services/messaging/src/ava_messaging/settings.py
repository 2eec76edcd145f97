"""What the messaging room is told at its start."""

from ava_common.settings import RoomSettings, room


class Settings(RoomSettings):
    """The room's environment; .env.example explains each variable."""

    model_config = room("MESSAGING_")
