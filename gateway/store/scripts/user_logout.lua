-- user_logout.lua: ends one session and tells every worker whose it was.
-- KEYS: 1 "sb:session:<sha256>"   ARGV: 1 sha256
-- Returns 1
local value = redis.call('GET', KEYS[1])
if value then
  local name = string.match(value, '^%S+')
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', 'sb:sessions:' .. name, ARGV[1])
  redis.call('PUBLISH', 'sb:ended', name)
end
return 1
