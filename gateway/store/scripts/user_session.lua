-- user_session.lua: records a new session, if what was proven still holds: the password, and the second factor, whose
-- code is used up in the same step.
-- KEYS: 1 "sb:user:<name>", 2 "sb:sessions:<name>" (zset by time), 3 "sb:session:<sha256>", 4 "sb:recovery:<name>" (set)
-- ARGV: 1 what the session says of itself, 2 sha256 ("" proves only), 3 ttl ms, 4 now ms, 5 the hash that was proven,
--       6 sessions kept at most, 7 the sealed secret that was proven, "" none, "*" was not asked for,
--       8 the code's step or "", 9 the recovery code's mark or ""
-- Returns 1; 0 when the password or the factor is another by now, or the user is disabled or gone; -1 when the code is
-- used up
local user = redis.call('HMGET', KEYS[1], 'hash', 'disabled', 'totp', 'totp_step')
if user[1] ~= ARGV[5] or user[2] == '1' then return 0 end
if ARGV[7] ~= '*' then
  if (user[3] or '') ~= ARGV[7] then return 0 end
  if ARGV[8] ~= '' then
    if tonumber(ARGV[8]) <= tonumber(user[4] or '0') then return -1 end
    redis.call('HSET', KEYS[1], 'totp_step', ARGV[8])
  elseif ARGV[9] ~= '' and redis.call('SREM', KEYS[4], ARGV[9]) == 0 then
    return -1
  end
end
if ARGV[2] == '' then return 1 end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
for _, sha in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(ARGV[6]))) do
  redis.call('DEL', 'sb:session:' .. sha)
  redis.call('ZREM', KEYS[2], sha)
end
redis.call('PERSIST', KEYS[2])
return 1
