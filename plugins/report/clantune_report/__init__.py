"""What a run of ClanTune has written: read, shown and replayed, without torch."""

from clantune_report.replay import ReplaySchedule, Schedule, ScheduleError

__all__ = ["ReplaySchedule", "Schedule", "ScheduleError"]
