"""What ranks answer when they run functions one after the other."""

import json

import torch.distributed as dist

from clantune import ClanTuneError


def write_answers(folder, functions):
    """Call functions of a folder of their own; rank 0 writes what all ranks have returned.

    An error of ClanTune is an answer, too: `{"error": message}`.
    """
    for function in functions:
        try:
            answer = function(folder / function.__name__)
        except ClanTuneError as error:
            answer = {"error": str(error)}
        answers = [None] * dist.get_world_size()
        dist.all_gather_object(answers, answer)
        if dist.get_rank() == 0:
            (folder / f"{function.__name__}.json").write_text(json.dumps(answers))
    dist.destroy_process_group()
