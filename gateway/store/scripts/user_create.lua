-- user_create.lua: makes a user, unless there is one of the name (or, on request, any at all).
-- KEYS: 1 "sb:users", 2 "sb:user:<name>"   ARGV: 1 name, 2 "1" only when there is nobody, 3... pairs
-- Returns 1, or 0 when it exists; all screens are told
if ARGV[2] == '1' and redis.call('SCARD', KEYS[1]) > 0 then return 0 end
if redis.call('SADD', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
redis.call('PUBLISH', 'sb:live', cjson.encode({t = 'desk', what = 'agents', id = ARGV[1]}))
return 1
