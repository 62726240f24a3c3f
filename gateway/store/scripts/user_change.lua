-- user_change.lua: changes a user; ends all of his sessions when asked, and tells every worker.
-- KEYS: 1 "sb:user:<name>", 2 "sb:sessions:<name>"
-- ARGV: 1 name, 2 "1" to end sessions, 3... pairs
-- Returns 1, or 0 when there is no such user
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
if ARGV[2] == '1' then
  for _, sha in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('DEL', 'sb:session:' .. sha) end
  redis.call('DEL', KEYS[2])
  redis.call('PUBLISH', 'sb:ended', ARGV[1])
end
return 1
