"""Moderation: what KeyFrame refuses to tell, by a list of words or by OpenAI's moderation."""

from runtime.moderation.ports import Moderator
from runtime.moderation.settings import ModerationSettings, moderator

__all__ = ["ModerationSettings", "Moderator", "moderator"]
