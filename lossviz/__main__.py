"""``python -m lossviz``: the command line."""

import sys

from lossviz.cli import main

sys.exit(main())
