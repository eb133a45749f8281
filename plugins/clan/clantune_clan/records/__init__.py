"""The records of a run: the file that rank 0 writes, and what other programs read from it."""

from clantune_clan.records.events import PhaseStart, RunEnd, RunStart
from clantune_clan.records.history import History
from clantune_clan.records.record import RoundRecord
from clantune_clan.records.run_file import RunFile
from clantune_clan.records.schedule import export_schedule, schedule_of

__all__ = [
    "History",
    "PhaseStart",
    "RoundRecord",
    "RunEnd",
    "RunFile",
    "RunStart",
    "export_schedule",
    "schedule_of",
]
