-- user_session.lua: records a new session, if the password that was proven is still the user's.
-- KEYS: 1 "sb:user:<name>", 2 "sb:sessions:<name>" (zset by time), 3 "sb:session:<sha256>"
-- ARGV: 1 name, 2 sha256, 3 ttl ms, 4 now ms, 5 the hash that was proven, 6 sessions kept at most
-- Returns 1, or 0 when the password is another by now, or the user is disabled or gone
local user = redis.call('HMGET', KEYS[1], 'hash', 'disabled')
if user[1] ~= ARGV[5] or user[2] == '1' then return 0 end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
for _, sha in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(ARGV[6]))) do
  redis.call('DEL', 'sb:session:' .. sha)
  redis.call('ZREM', KEYS[2], sha)
end
redis.call('PERSIST', KEYS[2])
return 1
