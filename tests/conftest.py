"""What holds for all tests."""

from __future__ import annotations

import signal
import threading

# A shell that starts a job in the background has it ignore Ctrl-C, and every program below it would too.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
