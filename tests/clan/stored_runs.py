"""What other tools have stored of a run, read back with those tools."""

import json
import logging
import struct


def scalars_of(folder):
    """The scalars of a folder by name, each as its steps and values."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of every purge
    events = EventAccumulator(str(folder)).Reload()
    return {
        name: [(each.step, each.value) for each in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def records_of(content):
    """The records of a file of W&B: after a header of 7 bytes, a log of LevelDB."""
    block, at, whole = 2**15, 7, b""
    while at + 7 <= len(content):
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield whole
            whole = b""
        if block - at % block < 7:  # too little for another header
            at += block - at % block


def rows_of(folder):
    """The id of a run, the rows of its history, and how often it has ended."""
    import wandb
    from wandb.proto.wandb_internal_pb2 import Record

    wandb.teardown()  # its process writes until it ends
    [file] = folder.glob("wandb/offline-run-*/*.wandb")
    records = [Record.FromString(each) for each in records_of(file.read_bytes())]
    rows = [
        {
            name: json.loads(item.value_json)
            for item in record.history.item
            if not (name := "".join(item.nested_key) or item.key).startswith("_")
        }
        for record in records
        if record.history.item
    ]
    kinds = [record.WhichOneof("record_type") for record in records]
    return max(record.run.run_id for record in records), rows, kinds.count("exit")
