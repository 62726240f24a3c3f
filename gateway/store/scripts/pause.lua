-- pause.lua: a channel sends nothing from now on, or goes on. It is told to all workers and agents, and kept with the
-- channel's events.
-- KEYS: 1 "sb:paused" (hash channel -> json), 2 "sb:channels:version", 3 "sb:channel:log:<channel>" (list)
-- ARGV: 1 channel, 2 {"by","at"} as json, "" it goes on, 3 the event's json, 4 events kept, 5 what all workers are told
-- Returns 1, 0 when it is so already
local paused = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
if paused == (ARGV[2] ~= '') then return 0 end
if paused then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('INCR', KEYS[2])
redis.call('LPUSH', KEYS[3], ARGV[3])
redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[4]) - 1)
redis.call('PUBLISH', 'sb:live', ARGV[5])
return 1
