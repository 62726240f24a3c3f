"""Fixtures of several files in here."""
import pytest
from faketime import FakeTime
from harness import Gateway
from own_redis import OwnRedis


@pytest.fixture
def clock(tmp_path):
    return FakeTime(tmp_path)


@pytest.fixture
def clocked(request, clock):
    """A gateway of the module's CONFIG, whose time is the clock's."""
    redis = OwnRedis()  # its allocator does not stand the fake clock
    gateway = Gateway(config=request.module.CONFIG, workers=2, env=clock.env, redis_url=redis.url)
    try:
        yield gateway.start()
    finally:
        gateway.destroy()
        redis.destroy()
