"""`filmgate doctor`: what is wrong with an installation, why that matters, and what to do about it.

It only looks: it changes nothing, submits nothing, and does not disturb a service that runs.
"""

from filmgate.app.doctor.examine import examine
from filmgate.app.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
