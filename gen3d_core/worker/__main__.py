"""`python -m gen3d_core.worker` is the worker process."""

import sys

from gen3d_core.worker.process import main

sys.exit(main())
