-- user_session.lua: records a new session, if what was proven still holds: the password, and the second factor, whose
-- code is used up in the same step; or if a provider vouches for the user, who from then on belongs to whom it means.
-- KEYS: 1 "sb:user:<name>", 2 "sb:sessions:<name>" (zset by time), 3 "sb:session:<sha256>", 4 "sb:recovery:<name>" (set),
--       5 "sb:vouched:<mark>" (his name)
-- ARGV: 1 what the session says of itself, 2 sha256 ("" proves only), 3 ttl ms, 4 now ms, 5 the hash that was proven,
--       6 sessions kept at most, 7 the sealed secret that was proven, "" none, "*" was not asked for,
--       8 the code's step or "", 9 the recovery code's mark or "", 10 the provider that vouches for him, or "",
--       11 the mark of whom it means
-- Returns 1; 0 when the password or the factor is another by now, or the user is disabled or gone; -1 when the code is
-- used up; -2 when the provider has meant somebody else by this user, or another user by this mark
local user = redis.call('HMGET', KEYS[1], 'hash', 'disabled', 'totp', 'totp_step', 'must_change_password')
if ARGV[10] ~= '' then
  local name, field = string.match(ARGV[1], '^%S+'), 'vouched:' .. ARGV[10]
  if not user[1] or user[2] == '1' then return 0 end
  if (redis.call('HGET', KEYS[1], field) or ARGV[11]) ~= ARGV[11] then return -2 end
  if (redis.call('GET', KEYS[5]) or name) ~= name then return -2 end
  redis.call('HSET', KEYS[1], field, ARGV[11])
  redis.call('SET', KEYS[5], name)
  -- A password for the first time that was not used: who needs none has none. Only who comes in needs none.
  if user[5] == '1' and ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'hash', '', 'must_change_password', '0') end
elseif user[1] ~= ARGV[5] or user[2] == '1' then
  return 0
end
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
