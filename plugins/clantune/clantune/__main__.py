"""`python -m clantune` is the same as the command `clantune`."""

import sys

from clantune._command import main

sys.exit(main())
