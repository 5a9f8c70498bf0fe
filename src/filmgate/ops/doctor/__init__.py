"""`filmgate doctor`: what is wrong with an installation, why that matters, and what to do about it.

It only looks: it changes nothing, submits nothing, and does not disturb a service that runs.
"""

from filmgate.ops.doctor.examine import examine
from filmgate.ops.doctor.findings import Finding, Level
from filmgate.ops.doctor.sandbox import SandboxExamination, look_at_sandbox

__all__ = ["Finding", "Level", "SandboxExamination", "examine", "look_at_sandbox"]
