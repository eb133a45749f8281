"""`python -m clantune_core.new`."""

import sys

from clantune_core.new import main

sys.exit(main())
