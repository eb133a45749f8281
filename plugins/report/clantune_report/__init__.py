"""What a run of ClanTune has written: watched, reported and replayed."""

from clantune_report.replay import ReplaySchedule, Schedule, ScheduleError

__all__ = ["ReplaySchedule", "Schedule", "ScheduleError"]
