"""`python -m clantune_core` is the command `clantune`."""

import sys

from clantune_core.command import main

sys.exit(main())
