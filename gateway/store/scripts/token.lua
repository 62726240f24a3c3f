-- token.lua: makes or ends an API token, or writes down that it was used.
-- KEYS: 1 "sb:tokens" (hash name -> sha256)
-- ARGV: 1 add: 2 name, 3 sha256, 4... pairs
--       1 end: 2 name; every worker is told
--       1 used: 2 sha256, 3 now ms
-- Returns 1; 0 when there is one of this name already, or none
if ARGV[1] == 'add' then
  if redis.call('HSETNX', KEYS[1], ARGV[2], ARGV[3]) == 0 then return 0 end
  redis.call('HSET', 'sb:token:' .. ARGV[3], unpack(ARGV, 4))
elseif ARGV[1] == 'end' then
  local sha = redis.call('HGET', KEYS[1], ARGV[2])
  if not sha then return 0 end
  redis.call('DEL', 'sb:token:' .. sha)
  redis.call('HDEL', KEYS[1], ARGV[2])
  redis.call('PUBLISH', 'sb:ended', ARGV[2])
else
  local key = 'sb:token:' .. ARGV[2]
  if redis.call('EXISTS', key) == 0 then return 0 end
  redis.call('HSET', key, 'used', ARGV[3])
end
return 1
