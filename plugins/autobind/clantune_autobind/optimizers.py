"""The presets for the optimizers of `torch.optim`, and for those of `schedulefree`.

Flags such as `amsgrad` or `centered` have no gene, because they change which state an optimizer
keeps. Nor has a setting whose effect another gene has: `dampening` multiplies what a step of SGD
adds to the momentum buffer, as lr does.
"""

from __future__ import annotations

from clantune_autobind.optimizer_preset import OptimizerPreset

_DECAYED = ("lr", "weight_decay")
_ADAM = (*_DECAYED, "betas/0", "betas/1", "eps")


def _torch(*names: str) -> tuple[str, ...]:
    return tuple(f"torch.optim.{name}" for name in names)


adamw = OptimizerPreset("adamw", _torch("AdamW", "Adam"), _ADAM)
adam = OptimizerPreset("adam", _torch("Adam"), _ADAM)
nadam = OptimizerPreset("nadam", _torch("NAdam"), (*_ADAM, "momentum_decay"))
radam = OptimizerPreset("radam", _torch("RAdam"), _ADAM)
adamax = OptimizerPreset("adamax", _torch("Adamax"), _ADAM)
adadelta = OptimizerPreset("adadelta", _torch("Adadelta"), (*_DECAYED, "rho", "eps"))
adagrad = OptimizerPreset("adagrad", _torch("Adagrad"), (*_DECAYED, "lr_decay", "eps"))
asgd = OptimizerPreset("asgd", _torch("ASGD"), (*_DECAYED, "lambd", "alpha", "t0"))
rmsprop = OptimizerPreset("rmsprop", _torch("RMSprop"), (*_DECAYED, "alpha", "momentum", "eps"))
rprop = OptimizerPreset(
    "rprop",
    _torch("Rprop"),
    ("lr", "etas/0", "etas/1", "step_sizes/0", "step_sizes/1"),
    fixed=("lr",),  # it only sets the step sizes before the first step
)
sgd = OptimizerPreset("sgd", _torch("SGD"), (*_DECAYED, "momentum"))
muon = OptimizerPreset("muon", _torch("Muon"), (*_DECAYED, "momentum", "eps"))
adafactor = OptimizerPreset(
    "adafactor",
    _torch("Adafactor"),
    (*_DECAYED, "beta2_decay", "eps/0", "eps/1", "d"),
    optional=("eps/0",),  # None: the precision of the parameter
)
schedule_free = OptimizerPreset(
    "schedule_free",
    tuple(f"schedulefree.{name}ScheduleFree" for name in ("AdamW", "RAdam", "SGD")),
    # Without betas/0 and momentum: the weights are stored as an interpolation that is made with
    # them, and another value would read other weights out of it.
    (*_DECAYED, "betas/1", "eps"),
    optional=("betas/1", "eps"),  # SGD has neither
)
