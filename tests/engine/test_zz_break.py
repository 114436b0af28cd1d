import pytest
from imaging.engine import spawning
real = spawning.environment
spawning.environment = lambda home: {k:v for k,v in real(home).items() if k!="ORT_DISABLE_TELEMETRY"}
from tests.engine.test_infer import *
