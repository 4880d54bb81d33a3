"""`python -m gen3d_core` is the command `gen3d`."""

import sys

from gen3d_core.cli.main import main

sys.exit(main())
